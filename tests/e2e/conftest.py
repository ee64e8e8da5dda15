"""One running demo for all browser tests: starting it costs more than any of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import DemoStack
from tests.inference_workers.conftest import portal, redis, valkey_url
from tests.template import migrated_database

__all__ = ["portal", "redis", "valkey_url"]


@pytest.fixture(scope="package")
def demo_stack(migrated: str) -> Iterator[DemoStack]:
    """The demo with the real engine; after its stop, none of its processes must remain.

    It ends with the last browser test, so that engines of later tests have the machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-e2e-"))
    with migrated_database("gatehouse_e2e", template=migrated) as database_url:
        stack = DemoStack(folder, database_url=database_url)
        stack.start()
        yield stack
        left = stack.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert left == []
