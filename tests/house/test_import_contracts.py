"""Each import contract is broken on purpose in a copy: a rule that cannot fail is useless."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin import ROOT

PACKAGES = ("portal", "inference_workers", "capacity", "tracing")
BREACHES = {
    "Wings import downwards only": (
        "portal/platform/__init__.py",
        "import portal.gate.licensing.models",
    ),
    "Apps import downwards only": (
        "portal/platform/core/errors.py",
        "import portal.platform.accounts.models",
    ),
    "Rooms of access import downwards only": (
        "portal/gate/access/domain/workflow/mail.py",
        "import portal.gate.access.domain.rights.limits",
    ),
    "Workers know neither Django nor the portal": (
        "inference_workers/lifecycle.py",
        "import portal.platform.core.errors",
    ),
    "Rooms of the workers import downwards only": (
        "inference_workers/broker/scripts.py",
        "import inference_workers.telemetry.energy",
    ),
    "The portal imports of the workers nothing but the wire contract": (
        "portal/lab/jobs/domain/queue.py",
        "import inference_workers.lifecycle",
    ),
    "The wire contract needs pydantic and nothing of the house": (
        "inference_workers/contract/names.py",
        "import redis",
    ),
    "Inside an app: enums → rules → models → domain → forms → views, tasks, admin": (
        "portal/gate/vouching/domain/domains.py",
        "import portal.gate.vouching.forms",
    ),
    "Tracing is a set-up that knows neither side": ("tracing/__init__.py", "import pydantic"),
    "Capacity is arithmetic that knows nobody": ("capacity/memory.py", "import pydantic"),
    "Nobody imports vLLM: it is its own process": (
        "inference_workers/generation/text.py",
        "import vllm",
    ),
}
"""By contract: a file, and the line that it must refuse there."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all code that the contracts are about."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def breach(house: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """The line is at the end of the file while the test runs."""
    name, line = request.param
    file = house / name
    whole = file.read_text()
    file.write_text(f"{whole}\n{line}\n")
    yield
    file.write_text(whole)


def broken_contracts(house: Path) -> list[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-logo"], cwd=house, env={**os.environ, "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)


def test_every_contract_has_a_breach() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert [contract["name"] for contract in contracts["contracts"]] == list(BREACHES)


def test_the_copy_is_whole(house: Path) -> None:
    assert broken_contracts(house) == []


@pytest.mark.parametrize(
    ("contract", "breach"), BREACHES.items(), ids=BREACHES, indirect=["breach"]
)
@pytest.mark.usefixtures("breach")
def test_a_breach_is_refused(house: Path, contract: str) -> None:
    assert broken_contracts(house) == [contract]
