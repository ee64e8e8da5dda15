"""Clients of an OpenAI-style completions server: one streamed completion each, read to its end.

For vLLM's own server, over TCP or its Unix socket, and for LiteLLM's proxy. As light as the
portal's readers, so that only the servers are compared.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.run import Run

READ_LIMIT = 2**20


@dataclass(frozen=True)
class Address:
    """Where a server listens: a port of this machine, or a Unix socket."""

    port: int = 0
    socket: str = ""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.socket:
            return await asyncio.open_unix_connection(self.socket, limit=READ_LIMIT)
        return await asyncio.open_connection("127.0.0.1", self.port, limit=READ_LIMIT)


class OpenAIReaders:
    """Streams completions from one server.

    A run is "done" when the server has sent a finish reason and `[DONE]`. Its number of tokens is
    from the server's usage; before that, the token ids of each event are counted, or one token
    per event if the server sends no ids.
    """

    def __init__(self, address: Address, *, model: str, key: str = "") -> None:
        self._address = address
        self._model = model
        self._key = key
        self.tokens = 0
        self.streaming = 0
        """Runs that have had their first token and have not ended."""

    async def run(self, *, max_tokens: int, prompt: str = "Write") -> Run:
        """One greedy completion; a failure is in the run's `error`."""
        run = Run(submitted_at=time.monotonic())
        try:
            await self._stream(run, self._body(prompt, max_tokens))
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            run.error = f"{type(error).__name__}: {error}"[:300]
        finally:
            run.ended_at = time.monotonic()
            self.streaming -= bool(run.first_at)
        return run

    def _body(self, prompt: str, max_tokens: int) -> bytes:
        body = {
            "model": self._model,
            "prompt": prompt,
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return json.dumps(body).encode()

    async def _stream(self, run: Run, body: bytes) -> None:
        reader, writer = await self._address.connect()
        try:
            writer.write(self._head(len(body)) + body)
            status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
            if status != 200:
                raise ValueError(f"{status} {(await reader.read(300))!r}")
            run.accepted_at = time.monotonic()
            is_finished = False
            while True:
                data = _data(await reader.readuntil(b"\n\n"))
                if data == b"[DONE]":
                    run.end = "done" if is_finished else "broken off"
                    return
                if data:
                    is_finished |= self._take(run, json.loads(data))
        finally:
            writer.close()

    def _take(self, run: Run, event: dict[str, Any]) -> bool:
        """Add the event to the run; True when it has a finish reason."""
        if "error" in event:
            raise ValueError(str(event["error"]))
        is_finished = False
        for choice in event["choices"]:
            if text := choice.get("text"):
                ids = choice.get("token_ids")
                self._hear(run, tokens=len(ids) if ids else 1)
                run.text += text
            is_finished |= bool(choice.get("finish_reason"))
        if event.get("usage"):
            told = int(event["usage"]["completion_tokens"])
            self.tokens += told - run.tokens
            run.tokens = told
        return is_finished

    def _hear(self, run: Run, *, tokens: int) -> None:
        self.streaming += not run.first_at
        self.tokens += tokens
        run.tokens += tokens
        run.frames += 1
        run.hear()

    def _head(self, length: int) -> bytes:
        key = f"Authorization: Bearer {self._key}\r\n" if self._key else ""
        return (
            f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{key}"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ).encode()


def _data(frame: bytes) -> bytes:
    """The event's data, without lines of the chunked coding, since servers send whole events."""
    for line in frame.splitlines():
        if line.startswith(b"data: "):
            return line[6:]
    return b""
