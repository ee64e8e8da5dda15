"""One running demo for all browser tests: starting it costs more than any of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import DemoStack
from tests.inference_workers.conftest import portal, redis, valkey_url

__all__ = ["portal", "redis", "valkey_url"]


@pytest.fixture(scope="package")
def demo_stack() -> Iterator[DemoStack]:
    """The demo with the real engine; after its stop, none of its processes must remain.

    It ends with the last browser test, so that engines of later tests have the machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-e2e-"))
    stack = DemoStack(folder, postgres_url=os.environ["TEST_SERVER_URL"])
    stack.start()
    yield stack
    left = stack.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert left == []
