"""The link on every node except node 0."""

from __future__ import annotations

import asyncio
import contextlib

from inference_workers.deployments import Deployment
from inference_workers.errors import LaunchError
from inference_workers.multi_node.link import READY, REFUSED, START, Hello, Life, keep_alive
from inference_workers.multi_node.node import Node

RETRY_SECONDS = 1.0


class FollowerLink:
    """Waits until node 0 starts the engine, and ends when node 0 ends."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._hello = Hello(node_rank=node.rank, deployment=deployment)
        self._life = Life()
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def lost(self) -> str:
        return self._life.lost

    @property
    def is_ready(self) -> bool:
        return self._life.is_ready

    async def wait_until_lost(self) -> None:
        await self._life.wait_until_lost()

    async def join(self) -> None:
        while True:
            try:
                reader = await self._say_hello()
                answer = await reader.readline()
            except OSError:
                answer = b""
            if answer == START:
                self._life = Life()
                self._listening = asyncio.create_task(self._listen(reader, self._life))
                return
            await self.leave()
            if answer.startswith(REFUSED.encode()):
                reason = answer.decode(errors="replace").removeprefix(REFUSED).strip()
                raise LaunchError(f"node 0 refuses this one: {reason}")
            await asyncio.sleep(RETRY_SECONDS)

    def send_ready(self) -> None:
        """Do nothing; node 0 reports it itself."""

    async def leave(self) -> None:
        listening, self._listening = self._listening, None
        writer, self._writer = self._writer, None
        if listening is not None:
            listening.cancel()
        if writer is not None:
            writer.close()

    async def close(self) -> None:
        await self.leave()

    async def _say_hello(self) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection(self._node.master_addr, self._node.link_port)
        self._writer = writer
        keep_alive(writer)
        writer.write(self._hello.model_dump_json().encode() + b"\n")
        return reader

    async def _listen(self, reader: asyncio.StreamReader, life: Life) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                if line == READY:
                    life.is_ready = True
        life.lose("node 0 is gone")
