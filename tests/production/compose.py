"""Reads docker-compose.yml as Compose would: merged, with its variables found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)")


@cache
def load_compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return document


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load_compose()["services"]
    return found


def interpolated_variables() -> set[str]:
    """Names of the variables that Compose takes from `.env`."""
    return set(VARIABLE.findall(FILE.read_text()))


def example_variables() -> dict[str, str]:
    """Variables of `.env.example` with their values."""
    return dict(_assignments((ROOT / ".env.example").read_text()))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value
