"""Researchers' browsers without the browser: submit a run and read its events to the end.

Many connections, with little work for each. A lost connection is resumed after the last event, as
in a browser. A fault is a gap, a repetition or changed text, as a reader would see it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.run import Run

__all__ = ["PortalReaders", "Run"]

CSRF = "b" * 32
MODEL = "smollm2-135m"
ENDS = frozenset({"done", "failed", "cancelled"})
RETRY_SECONDS = 0.3
SILENCE_SECONDS = 25.0
"""As in the page's script: after this time without a byte, the connection is abandoned."""


class RefusedError(Exception):
    """The site refused the request; repeating it would not help."""


class PortalReaders:
    """Submits and follows runs at one address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.tokens = 0
        self.streaming = 0
        """Runs that have had their first token and have not ended."""

    async def run(self, session: str, *, max_tokens: int, prompt: str = "Write") -> Run:
        """One run from the click to its end, through lost connections.

        The response to the submission is its stream. A connection that is lost later is resumed
        after the last event; one that is lost before the run was accepted is an error.
        """
        run = Run(submitted_at=time.monotonic())
        request = self._submission(session, prompt=prompt, max_tokens=max_tokens)
        path = last_id = ""
        try:
            while not run.end and not run.error:
                try:
                    async for event_id, name, data in self._read(request):
                        if name == "accepted":
                            run.id, path = data["id"], data["events_url"]
                            run.accepted_at = time.monotonic()
                        last_id = event_id or last_id
                        self._take(run, name, data)
                except (OSError, EOFError, TimeoutError, RefusedError) as error:
                    if not path or isinstance(error, RefusedError):
                        run.error = f"{type(error).__name__}: {error}"[:300]
                        break
                    run.reconnections += 1
                    await asyncio.sleep(RETRY_SECONDS)
                    request = self._resumption(session, path, last_id)
        finally:
            self.streaming -= bool(run.first_at)
        return run

    def _take(self, run: Run, name: str, data: dict[str, Any]) -> None:
        if name == "delta":
            run.frames += 1
            if data["offset"] != len(run.token_ids):
                run.faults += 1
                return
            self._count(run, len(data["token_ids"]))
            run.token_ids += data["token_ids"]
            run.text += data["text"]
        elif name == "snapshot":
            known, run.token_ids = run.token_ids, data["token_ids"]
            run.faults += known != run.token_ids[: len(known)]
            self._count(run, len(run.token_ids) - len(known))
            run.text = data["text"]
        elif name in ENDS:
            run.faults += bool(run.end)
            run.end = name
            run.ended_at = time.monotonic()

    def _count(self, run: Run, tokens: int) -> None:
        if tokens > 0:
            self.tokens += tokens
            run.tokens += tokens
            self.streaming += not run.first_at
            run.hear()

    def _submission(self, session: str, *, prompt: str, max_tokens: int) -> bytes:
        form = {
            "model": MODEL, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0,
            "top_p": 1, "top_k": 0, "presence_penalty": 0, "frequency_penalty": 0,
            "stop": "", "seed": "",
        }  # fmt: skip
        body = urlencode(form).encode()
        return (
            self._head("POST", "/playground/runs/", session)
            + f"Accept: application/json, text/event-stream\r\nX-CSRFToken: {CSRF}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def _resumption(self, session: str, path: str, last_id: str) -> bytes:
        head = self._head("GET", path, session) + b"Accept: text/event-stream\r\n"
        head += f"Last-Event-ID: {last_id}\r\n".encode() if last_id else b""
        return head + b"\r\n"

    async def _read(self, request: bytes) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
        """The events of one connection: id, name, data."""
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=2**20)
        try:
            writer.write(request)
            status = int((await _within(reader.readuntil(b"\r\n\r\n"))).split()[1])
            if 400 <= status < 500:
                raise RefusedError(f"{status} {(await _within(reader.read()))[:200]!r}")
            if status not in {200, 201}:
                raise OSError(status)
            while True:
                frame = await _within(reader.readuntil(b"\n\n"))
                event = _parse(frame)
                if event is not None:
                    yield event
                    if event[1] in ENDS:
                        return
        finally:
            writer.close()

    def _head(self, method: str, path: str, session: str) -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Cookie: sessionid={session}; csrftoken={CSRF}\r\nConnection: close\r\n"
        ).encode()


async def _within(reading: Any) -> bytes:  # noqa: ANN401 -- any coroutine of bytes
    async with asyncio.timeout(SILENCE_SECONDS):
        raw: bytes = await reading
        return raw


def _parse(frame: bytes) -> tuple[str, str, dict[str, Any]] | None:
    """A frame's id, event and data, without lines of the chunked coding; None for a comment."""
    fields = {"id": "", "event": "", "data": ""}
    for line in frame.decode().splitlines():
        name, separator, value = line.partition(": ")
        if separator and name in fields:
            fields[name] = value
    if not fields["data"]:
        return None
    return fields["id"], fields["event"], json.loads(fields["data"])
