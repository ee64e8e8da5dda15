"""One small checkpoint of eight parts and three shards, which tests copy and then damage."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.engine_tools.metaseq_cases import make_checkpoints

SHAPE = {"parts": 8, "shards": 3, "settings": False, "drift": 0.125, "layers": 6}


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("metaseq-faults")
    old = {"shards": 2, "layers": 1, "metadata": False, "reference": False}
    make_checkpoints({root: {**SHAPE, "reference": False}, root / "old": old})
    return root / "metaseq"


@pytest.fixture
def source(pristine: Path, tmp_path: Path) -> Path:
    """The test's own copy."""
    return Path(shutil.copytree(pristine, tmp_path / "source"))


@pytest.fixture
def md5_list(pristine: Path, tmp_path: Path) -> Path:
    """The list as published, made before a test damages the files."""
    rows = [
        f"{path.name},{hashlib.md5(path.read_bytes()).hexdigest()}\n"
        for path in sorted(pristine.glob("*.pt"))
    ]
    path = tmp_path / "md5sum_shards.csv"
    path.write_text("shard,md5sum\n" + "".join(rows))
    return path
