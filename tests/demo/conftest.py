from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder for a server that may run as another user.

    Every pytest that starts in the meantime closes pytest's own folders to others again.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-demo-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
