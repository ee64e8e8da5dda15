"""The length of a regular expression once its counts are written out.

`([a-z]{1,50}){1,20}` matches up to a thousand letters. These determine the cost for a compiler,
not the twenty characters of the pattern.
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
"""A number with more digits is above every bound."""


def measure_pattern(pattern: str) -> int:
    """Characters and classes, each multiplied by the largest counts around it.

    A count without an upper bound is taken as its lower one: the rest is a loop. A text that is
    not a regular expression has a size too; the compiler refuses it.
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
    """The largest number of repetitions; None if the token is not a count."""
    ends = [token["least"], token["most"]]
    if token["count"] is None or not any(ends):
        return None
    return max(1, *(_read_number(end) for end in ends if end))


def _read_number(digits: str) -> int:
    return int(digits) if len(digits) <= DIGITS else 10**DIGITS
