"""The list of mutants that survive, each with the reason why that is right."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("survivors.txt")
BETWEEN: Final = "  # "


def read_survivors(text: str) -> dict[str, str]:
    """Reasons by the name of the mutant."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {
        name.strip(): reason for name, _, reason in (line.rpartition(BETWEEN) for line in lines)
    }
