"""How long a regular expression is once its counts are written out.

`([a-z]{1,50}){1,20}` stands for a thousand letters. That is what a compiler pays for, and not the
twenty characters that say it.
"""

from __future__ import annotations

import re
from typing import Final

LARGEST_PATTERN: Final = 5000
TOKEN: Final = re.compile(
    r"(?P<escape>\\(?:[pPxuU]\{[^}]*\}|.))"
    r"|(?P<count>\{\s*(?P<least>\d+)?\s*(?P<comma>,)?\s*(?P<most>\d+)?\s*\})"
    r"|(?P<other>.)",
    re.DOTALL,
)
DIGITS: Final = 9
"""A number longer than that is above every bound, whatever its digits are."""


def measure_pattern(pattern: str) -> int:
    """Characters and classes, each as often as the counts around it say at most.

    A count without an upper end stands for its lower one: what follows it is a loop. A pattern
    that is no regular expression has a size too; whether it is one, the compiler says.
    """
    sizes, last, class_depth = [0], 0, 0
    for token in TOKEN.finditer(pattern):
        text = token[0]
        if class_depth:
            class_depth += {"[": 1, "]": -1}.get(text, 0)
        elif text == "[":
            class_depth, last = 1, 1
            sizes[-1] += 1
        elif text == "(":
            sizes.append(0)
        elif text == ")":
            last = sizes.pop()
            sizes = sizes or [0]
            sizes[-1] += last
        elif (times := _read_count(token)) is not None:
            sizes[-1] += last * (times - 1)
            last *= times
        elif text not in {"*", "+", "?", "|"}:
            last = 1
            sizes[-1] += 1
    return sum(sizes)


def _read_count(token: re.Match[str]) -> int | None:
    """How often at most; None for what is no count."""
    ends = [token["least"], token["most"]]
    if token["count"] is None or not any(ends):
        return None
    return max(1, *(_read_number(end) for end in ends if end))


def _read_number(digits: str) -> int:
    return int(digits) if len(digits) <= DIGITS else 10**DIGITS
