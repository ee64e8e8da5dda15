"""One real engine for all tests of this folder: vLLM on two ranks with a tiny OPT."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from inference_workers.worker import Worker
from tests.inference_workers.conftest import FakePortal
from tests.inference_workers.real_engine import (
    WEIGHTS_DIR,
    RealEngine,
    launch,
    run_tool,
    start_worker_of,
)


@pytest.fixture(scope="package")
def tiny() -> Iterator[RealEngine]:
    run_tool("make_tiny_opt.py", str(WEIGHTS_DIR / "tiny-opt-tp2"))
    engine = launch("tiny-opt-tp2")
    try:
        engine.wait_until_ready()
        yield engine
    finally:
        left = engine.stop()
    assert left == []


@pytest.fixture
async def tiny_worker(
    tiny: RealEngine, valkey_url: str, portal: FakePortal
) -> AsyncIterator[Worker]:
    worker = await start_worker_of(tiny, valkey_url, portal)
    yield worker
    await worker.close()
