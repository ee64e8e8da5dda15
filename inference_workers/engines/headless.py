"""The launcher's view of an engine's part on a host that takes no requests."""

from __future__ import annotations

from inference_workers.engines.base import EngineLoad
from inference_workers.multi_node.link import NodeLink


class HeadlessEngine:
    """Has no socket; it is ready when node 0 reports that the whole engine is ready."""

    def __init__(self, link: NodeLink) -> None:
        self._link = link

    async def is_healthy(self) -> bool:
        return self._link.is_ready

    async def warm_up(self) -> None:
        """Node 0 warms up the whole engine."""

    async def load(self) -> EngineLoad:
        """Node 0 counts the requests."""
        return EngineLoad(running=0, waiting=0)

    async def close(self) -> None:
        """Do nothing, since nothing is open."""
