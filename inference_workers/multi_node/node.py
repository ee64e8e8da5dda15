"""The part of a deployment that this host runs, if the deployment spans several."""

from __future__ import annotations

from dataclasses import dataclass

from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One host of an engine, under the names of vLLM's arguments."""

    rank: int
    count: int
    master_addr: str
    master_port: int

    @property
    def is_headless(self) -> bool:
        """Whether it has ranks of the engine but no server; only node 0 takes requests."""
        return self.rank > 0

    @property
    def link_port(self) -> int:
        """The port at which the launchers meet, next to the port of vLLM's ranks."""
        return self.master_port + 1


def find_node(settings: LauncherSettings, deployment: Deployment) -> Node | None:
    """The part of this host, or None if one launcher starts the whole engine.

    Raises `ConfigurationError` with the missing or wrong variable.
    """
    if not deployment.needs_launcher_per_node:
        return None
    spans = f"{deployment.slug} spans {deployment.nnodes} hosts"
    last = deployment.nnodes - 1
    if settings.node_rank is None:
        raise ConfigurationError(
            f"NODE_RANK is not set: {spans}; set 0 on the host that takes requests, "
            f"and 1 to {last} on the others"
        )
    if settings.node_rank > last:
        raise ConfigurationError(
            f"NODE_RANK: {settings.node_rank} is too high: {spans}, counted from 0"
        )
    if not settings.master_addr:
        raise ConfigurationError(
            f"MASTER_ADDR is not set: {spans}; set the address at which all of them reach node 0"
        )
    return Node(
        rank=settings.node_rank,
        count=deployment.nnodes,
        master_addr=settings.master_addr,
        master_port=settings.master_port,
    )
