"""One life for the parts of an engine on several hosts: they start, and end, together.

vLLM's ranks find each other by themselves, but a node without a server outlives the others,
and node 0 does not start anew without it. So the launchers hold a connection: node 0 listens
beside vLLM's own port, each other node says hello, and when all are there node 0 answers
`start`. From then on an end of the connection is the end of that life on both sides.
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
# A host that lost its power sends no goodbye: it is missed after 5 + 3 x 5 s.
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class NodeLink(Protocol):
    """What ties one host's part of an engine to the others. One life: join to leave."""

    @property
    def lost(self) -> str:
        """Why this life must end, or nothing while every node is there."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether node 0 says that the whole engine answers."""
        ...

    async def join(self) -> None:
        """Wait until every node is there; raises `LaunchError` when node 0 refuses this one."""
        ...

    async def wait_until_lost(self) -> None:
        """Return when `lost` has something to say."""
        ...

    def tell_ready(self) -> None:
        """The engine answers; on node 0 the others are told."""
        ...

    async def leave(self) -> None:
        """End this life here, which ends it everywhere."""
        ...

    async def close(self) -> None:
        """Leave, and take part no more."""
        ...


class Hello(BaseModel):
    """The first line from a node to node 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node_rank: int
    deployment: Deployment


class Life:
    """Lost or not, for one life of the engine."""

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
    """The link of an engine that one launcher starts whole: nobody to wait for or to lose."""

    lost = ""
    is_ready = False

    async def join(self) -> None:
        """Everybody is here."""

    async def wait_until_lost(self) -> None:
        await asyncio.Event().wait()

    def tell_ready(self) -> None:
        """Nobody else wants to know."""

    async def leave(self) -> None:
        """Nobody else is bound."""

    async def close(self) -> None:
        """Nothing is open."""


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have the kernel notice a peer that is gone without a word."""
    connection: socket.socket = writer.get_extra_info("socket")
    for level, option, value in KEEPALIVE:
        connection.setsockopt(level, option, value)
