"""Weights in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def weights_dir(tmp_path: Path, settings: Settings) -> Path:
    settings.WEIGHTS_DIR = tmp_path / "weights"
    settings.WEIGHTS_DIR.mkdir()
    return Path(settings.WEIGHTS_DIR)
