"""Node 0's side of the link."""

from __future__ import annotations

import asyncio
import contextlib

from pydantic import ValidationError

from inference_workers.deployments import Deployment
from inference_workers.errors import LaunchError
from inference_workers.logs import get_logger
from inference_workers.multi_node.link import READY, REFUSED, START, Hello, Life, keep_alive
from inference_workers.multi_node.node import Node

HELLO_SECONDS = 10.0

log = get_logger(__name__)


class LeaderLink:
    """Accepts the other nodes, and starts each life of the engine with all of them."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._deployment = deployment
        self._life = Life()
        self._has_begun = False
        self._nodes: dict[int, asyncio.StreamWriter] = {}
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    @property
    def lost(self) -> str:
        return self._life.lost

    @property
    def is_ready(self) -> bool:
        return self._life.is_ready

    async def wait_until_lost(self) -> None:
        await self._life.wait_until_lost()

    async def join(self) -> None:
        await self._listen()
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._nodes) == self._node.count - 1)
            self._life = Life()
            self._has_begun = True
            self._say(START)
        log.info("nodes_joined", nodes=self._node.count)

    def send_ready(self) -> None:
        self._life.is_ready = True
        self._say(READY)

    async def leave(self) -> None:
        async with self._changed:
            self._has_begun = False
            writers = list(self._nodes.values())
            self._nodes.clear()
        for writer in writers:
            writer.close()

    async def close(self) -> None:
        await self.leave()
        if self._server is not None:
            self._server.close()

    async def _listen(self) -> None:
        if self._server is not None:
            return
        address, port = self._node.master_addr, self._node.link_port
        try:
            self._server = await asyncio.start_server(self._welcome, address, port)
        except OSError as error:
            raise LaunchError(
                f"MASTER_ADDR: node 0 cannot listen at {address}:{port}: {error.strerror or error}"
            ) from error

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            keep_alive(writer)
            rank = await self._read_hello(reader, writer)
            if rank is not None:
                await self._hold(rank, reader, writer)
        except (OSError, TimeoutError, ValueError) as error:
            log.warning("node_link_broken", cause=type(error).__name__)
        finally:
            writer.close()

    async def _read_hello(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> int | None:
        """The rank of an accepted node; None after a refusal, which is sent to the node."""
        async with asyncio.timeout(HELLO_SECONDS):
            line = await reader.readline()
        try:
            hello = Hello.model_validate_json(line)
        except ValidationError:
            log.warning("node_link_not_understood")
            return None
        refusal = self._refuse(hello)
        if refusal:
            writer.write(f"{REFUSED}{refusal}\n".encode())
            log.warning("node_refused", rank=hello.node_rank)
            return None
        return hello.node_rank

    def _refuse(self, hello: Hello) -> str:
        if not 0 < hello.node_rank < self._node.count:
            return f"NODE_RANK: {hello.node_rank} is not one of 1 to {self._node.count - 1}"
        mine, yours = self._deployment.model_dump(), hello.deployment.model_dump()
        differing = [name for name in mine if mine[name] != yours[name]]
        if differing:
            return f"MODELS_FILE: {differing[0]} of {self._deployment.slug} differs from node 0"
        return ""

    async def _hold(
        self, rank: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Count the node as present until its connection ends or it connects again."""
        async with self._changed:
            former = self._nodes.get(rank)
            self._nodes[rank] = writer
            if former is not None:
                former.close()
            if self._has_begun:
                self._life.lose(f"node {rank} restarted")
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            await reader.read()
        async with self._changed:
            if self._nodes.get(rank) is writer:
                del self._nodes[rank]
                if self._has_begun:
                    self._life.lose(f"node {rank} is gone")

    def _say(self, word: bytes) -> None:
        for writer in self._nodes.values():
            writer.write(word)
