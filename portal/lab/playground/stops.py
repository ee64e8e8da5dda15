r"""Stop sequences as people type them: one per line, with the escapes \n, \t and \\."""

from __future__ import annotations

import re
from typing import Final

_ESCAPES: Final = {"n": "\n", "t": "\t", "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\([nt\\])")


def parse_stops(typed: str) -> tuple[str, ...]:
    """The sequences; empty lines are skipped, spaces at either end are kept."""
    return tuple(
        _ESCAPE.sub(lambda match: _ESCAPES[match[1]], line) for line in typed.split("\n") if line
    )


def format_stops(stops: tuple[str, ...]) -> str:
    """The text that `parse_stops` reads back as `stops`."""
    return "\n".join(
        stop.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") for stop in stops
    )
