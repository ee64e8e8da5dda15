"""The waits of an ordinary person and a probe while the site is under another load."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

from benchmarks.keys import MODEL
from benchmarks.openai_readers import Address, OpenAIReaders
from benchmarks.portal_readers import PortalReaders
from benchmarks.run import Run

Noticed = Mapping[str, float]
"""Seconds, by measurement."""
RUN_TOKENS = 8
PATIENCE_SECONDS = 20.0
"""The value for a missing response."""
BETWEEN_PROBES = 0.02
BETWEEN_RUNS = 0.1


async def notice(*, port: int, key: str, session: str, seconds: float) -> Noticed:
    """Probe and read in parallel for this many seconds."""
    api = OpenAIReaders(Address(port=port), model=MODEL, key=key)
    pages = PortalReaders(f"http://127.0.0.1:{port}")
    ends_at = time.monotonic() + seconds
    probes, by_key, by_page = await asyncio.gather(
        _repeat(lambda: _probe(port), ends_at, pause=BETWEEN_PROBES),
        _repeat(lambda: _read(api.run(max_tokens=RUN_TOKENS)), ends_at, pause=BETWEEN_RUNS),
        _repeat(
            lambda: _read(pages.run(session, max_tokens=RUN_TOKENS)), ends_at, pause=BETWEEN_RUNS
        ),
    )
    return {
        "`/healthz`, p99": statistics.quantiles(probes, n=100, method="inclusive")[-1],
        "first token by key, p50": statistics.median(by_key),
        "first token in the playground, p50": statistics.median(by_page),
    }


async def _repeat(
    measure: Callable[[], Awaitable[float]], ends_at: float, *, pause: float
) -> list[float]:
    """Measure one after another, at least twice."""
    waits: list[float] = []
    while time.monotonic() < ends_at or len(waits) < 2:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                waits.append(await measure())
        except (OSError, EOFError, TimeoutError):
            waits.append(PATIENCE_SECONDS)
        await asyncio.sleep(pause)
    return waits


async def _probe(port: int) -> float:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
    if b" 200 " not in answer.partition(b"\r\n")[0]:
        raise OSError(answer[:100])
    return time.monotonic() - began


async def _read(running: Awaitable[Run]) -> float:
    run = await running
    return run.first_at - run.submitted_at if run.end == "done" else PATIENCE_SECONDS
