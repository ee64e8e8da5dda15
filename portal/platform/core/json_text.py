"""JSON from outside: reading it, and finding what cannot be stored or is nested too deep."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable
from typing import Any, Final

from portal.platform.core.errors import DomainError, invalid_value

LARGE_BYTES: Final = 32 * 2**10
"""Larger JSON is read outside the event loop, in a way that lets other threads run meanwhile."""
PARTS_MOST: Final = 100_000
"""Lists and objects. Python's reader lets no other thread run until it has read them all: this many
take a few hundredths of a second."""
DEEPEST: Final = 100
"""Levels of lists and objects. Pydantic writes up to 255, Python reads fewer than 1,000."""
FIELD_LENGTH: Final = 100
"""The most characters of a name that an error repeats."""
_CUT: Final = 2 * DEEPEST
_STRING_OR_BRACKET: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_TOO_LONG: Final = object()
"""Stands for a number that was not read."""


def read_json(raw: bytes) -> Any:  # noqa: ANN401 -- JSON
    """The value, which can be stored; raises `DomainError` naming the field at fault."""
    try:
        value = parse_json(raw)
    except ValueError as error:
        raise _refuse("", f"is not valid JSON: {explain_syntax(error)}") from None
    if (fault := find_fault(value)) is not None:
        raise fault
    return value


def parse_json(raw: bytes) -> Any:  # noqa: ANN401 -- JSON
    """The value, whatever its strings and numbers are; raises `ValueError` if it is not JSON.

    JSON that is nested far too deep is cut at a depth that `find_fault` still refuses.
    """
    text = raw.decode("utf-8-sig")
    try:
        return _load(text)
    except RecursionError:
        return _load(_prune(text))


def require_few_parts(raw: bytes, *, name: str, field: str | None = None) -> None:
    """Raise `DomainError` for more than PARTS_MOST brackets and braces, also within strings."""
    parts = raw.count(b"[") + raw.count(b"{")
    if parts > PARTS_MOST:
        raise invalid_value(
            f"{name} has {parts:,} opening brackets and braces; at most {PARTS_MOST:,} are read. "
            "Split it.",
            field=field,
        )


def explain_syntax(error: ValueError) -> str:
    """Why something is not JSON, without quoting it."""
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case json.JSONDecodeError():
            return error.msg
    return str(error)


def find_fault(value: Any) -> DomainError | None:  # noqa: ANN401 -- JSON
    """What in a value cannot be stored, and in which field; None if there is nothing."""
    fields = value.items() if isinstance(value, dict) else [("", value)]
    for name, own in fields:
        if (words := _judge(name, depth=1)) is not None:
            return _refuse("", words)
        if (words := _judge(own, depth=2 if name else 1)) is not None:
            return _refuse(name, words)
    return None


def _judge(value: Any, *, depth: int) -> str | None:  # noqa: ANN401 -- JSON
    """What is wrong with a value at this depth, in words."""
    match value:
        case str():
            return _judge_text(value)
        case float():
            return None if math.isfinite(value) else "has a number that is not finite"
        case list() | dict() if depth > DEEPEST:
            return f"is nested more than {DEEPEST} levels deep"
        case list():
            return _judge_all(value, depth=depth + 1)
        case dict():
            return _judge_all([*value, *value.values()], depth=depth + 1)
    return "has a number with too many digits" if value is _TOO_LONG else None


def _judge_all(values: Iterable[Any], *, depth: int) -> str | None:
    # Prompts may be millions of token ids, and none of these is wrong.
    doubtful = (value for value in values if type(value) is not int)
    found = (_judge(value, depth=depth) for value in doubtful)
    return next((words for words in found if words is not None), None)


def _judge_text(text: str) -> str | None:
    if "\0" in text:
        return "has a NUL character (U+0000), which cannot be stored; remove it"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair, which is not a character; remove it"
    return None


def _refuse(field: str, words: str) -> DomainError:
    name = field[:FIELD_LENGTH]
    return invalid_value(f"{name or 'The body'} {words}.", field=name or None)


def _load(text: str) -> Any:  # noqa: ANN401 -- JSON
    # In large JSON a Python function reads each number, and other threads run in between.
    parse_int = int if len(text) <= LARGE_BYTES else _read_int
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=parse_int)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # An integer with more digits than Python reads, or a constant.
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_measure)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it has {name}, which JSON does not allow")


def _read_int(digits: str) -> int:
    return int(digits)


def _measure(digits: str) -> object:
    return _TOO_LONG if len(digits) > sys.get_int_max_str_digits() else int(digits)


def _prune(text: str) -> str:
    """The text with a null for each list and object deeper than `_CUT` levels."""
    kept, depth, copied = [], 0, 0
    for token in _STRING_OR_BRACKET.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                if depth == _CUT + 1:
                    kept.append(text[copied : token.start()])
            case "]" | "}":
                if depth == _CUT + 1:
                    kept.append("null")
                    copied = token.end()
                depth -= 1
    return "".join([*kept, text[copied:] if depth <= _CUT else ""])
