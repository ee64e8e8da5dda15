"""The programs of other people that the tests run."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.plugin import ROOT


def find_program(name: str, *, package: str = "") -> str:
    """Its path, also of one that the tests' environment brings; fails in CI if there is none."""
    places = (os.environ["PATH"], "/usr/sbin", str(ROOT / ".venv" / "bin"))
    program = shutil.which(name, path=os.pathsep.join(places))
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"no {name} found: install Debian's package `{package or name}`")
        pytest.skip(f"{name} is not installed")
    return program
