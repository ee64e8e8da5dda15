"""Links the parts of an engine on several hosts, so that they start and end together.

vLLM's ranks find each other, but a node without a server outlives the others, and node 0 cannot
start again without it. So the launchers hold a connection: node 0 listens on the port after vLLM's
own, each other node sends a hello, and once all are connected node 0 replies `start`. After that,
the end of the connection ends this life of the engine on both sides.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from inference_workers.deployments import Deployment

START = b"start\n"
READY = b"ready\n"
REFUSED = "refused "
# A host that loses power does not close its connection; this is noticed after 5 + 3 x 5 s.
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class NodeLink(Protocol):
    """Links one host's part of an engine to the others. One life lasts from join to leave."""

    @property
    def lost(self) -> str:
        """Why this life must end; empty while every node is connected."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether node 0 reports that the whole engine is ready."""
        ...

    async def join(self) -> None:
        """Wait until every node is connected; raises `LaunchError` if node 0 refuses this one."""
        ...

    async def wait_until_lost(self) -> None:
        """Return once `lost` is not empty."""
        ...

    def send_ready(self) -> None:
        """Note that the engine is ready; node 0 tells the other nodes."""
        ...

    async def leave(self) -> None:
        """End this life here, which ends it everywhere."""
        ...

    async def close(self) -> None:
        """Leave for good."""
        ...


class Hello(BaseModel):
    """The first line from a node to node 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node_rank: int
    deployment: Deployment


class Life:
    """The state of one life of the engine."""

    def __init__(self) -> None:
        self.lost = ""
        self.is_ready = False
        self._is_lost = asyncio.Event()

    def lose(self, reason: str) -> None:
        self.lost = self.lost or reason
        self._is_lost.set()

    async def wait_until_lost(self) -> None:
        await self._is_lost.wait()


class SingleNode:
    """The link of an engine that a single launcher starts; there are no other nodes."""

    lost = ""
    is_ready = False

    async def join(self) -> None:
        """Do nothing; there are no other nodes."""

    async def wait_until_lost(self) -> None:
        await asyncio.Event().wait()

    def send_ready(self) -> None:
        """Do nothing; there are no other nodes."""

    async def leave(self) -> None:
        """Do nothing; there are no other nodes."""

    async def close(self) -> None:
        """Do nothing; nothing is open."""


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """Make the kernel notice a peer that has gone without closing the connection."""
    connection: socket.socket = writer.get_extra_info("socket")
    for level, option, value in KEEPALIVE:
        connection.setsockopt(level, option, value)
