r"""Stop sequences as people type them: one per line, with \n, \t and \\ for what a line cannot
hold.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPES: Final = {"n": "\n", "t": "\t", "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\([nt\\])")


def parse_stops(typed: str) -> tuple[str, ...]:
    """The sequences; empty lines are none, blanks at either end count."""
    return tuple(
        _ESCAPE.sub(lambda match: _ESCAPES[match[1]], line) for line in typed.split("\n") if line
    )


def format_stops(stops: tuple[str, ...]) -> str:
    """What `parse_stops` reads back as `stops`."""
    return "\n".join(
        stop.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") for stop in stops
    )
