"""Large JSON, written in pieces: Python's writer lets no other thread run until it is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

SLICE: Final = 1000
"""Values that are written in one step."""


def write_json(value: Any) -> bytes:  # noqa: ANN401 -- JSON
    """The same as `json.dumps`, in many steps."""
    return "".join(_write(value)).encode()


def _write(value: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    match value:
        case dict() if value:
            fields = ([json.dumps(_name(name)), ": ", *_write(own)] for name, own in value.items())
            yield from _join("{", fields, "}")
        case list() | tuple() if value:
            yield from _join("[", _write_items(value), "]")
        case _:
            yield json.dumps(value, allow_nan=False)


def _write_items(values: list[Any] | tuple[Any, ...]) -> Iterator[list[str]]:
    """Single items where some hold other values, otherwise many together."""
    items = iter(values)
    while part := list(islice(items, SLICE)):
        if any(isinstance(item, dict | list | tuple) for item in part):
            yield from (list(_write(item)) for item in part)
        else:
            yield [json.dumps(part, allow_nan=False)[1:-1]]


def _join(begin: str, parts: Iterator[list[str]], end: str) -> Iterator[str]:
    yield begin
    yield from next(parts)
    yield from chain.from_iterable([", ", *part] for part in parts)
    yield end


def _name(name: object) -> str:
    """Return the name; raises `TypeError` unless it is a string, as in JSON."""
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is not a name")
    return name
