"""Limits on the size of a structure, so that the compiler and every step of the model stay fast.

Structures within these limits compile within a second; docs/limits.md has the measurements.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, Final

from inference_workers.contract import Structure
from portal.lab.completions.domain.pattern_size import LARGEST_PATTERN, measure_pattern
from portal.platform.core.errors import invalid_value

SCHEMA_BYTES: Final = 64 * 2**10
SCHEMA_DEPTH: Final = 64
"""Depth of nested objects and arrays, counted as vLLM does."""
SCHEMA_MOST: Final[Mapping[str, int]] = {"properties": 256, "branches": 128, "enum values": 1000}
LARGEST_COUNT: Final = 10_000
"""The largest number of items or properties that a schema may name."""
PATTERN_CHARACTERS: Final = 4096
CHOICES: Final = 1000
CHOICE_BYTES: Final = 64 * 2**10
TEXT_CHARACTERS: Final = 4096
"""For one text to choose: every step of the model reads the rest of it."""

COUNTS: Final = ("minItems", "maxItems", "minProperties", "maxProperties")
BRANCHES: Final = ("anyOf", "oneOf", "allOf")
PATTERNS: Final = ("pattern", "whitespace_pattern")


def require_bounded(structure: Structure, *, field: str) -> None:
    """Raise `DomainError` on the field, with the limit that the structure exceeds."""
    if structure.regex is not None:
        _require_pattern(structure.regex, field=field, name=field)
    elif structure.choice:
        _require_choices(structure.choice, field=field)
    elif structure.json_schema is not None:
        _require_schema(structure.json_schema, field=field)


def _require_choices(choices: tuple[str, ...], *, field: str) -> None:
    if "" in choices:
        raise invalid_value(f"{field}[{choices.index('')}] is empty. Leave it out.", field=field)
    if len(choices) > CHOICES:
        raise invalid_value(
            f"{field} has {len(choices):,} texts; the limit is {CHOICES:,}.", field=field
        )
    _require_short(choices, field=field)
    size = sum(len(choice.encode(errors="surrogatepass")) for choice in choices)
    if size > CHOICE_BYTES:
        raise invalid_value(
            f"{field} has {size:,} bytes; the limit is {CHOICE_BYTES:,}.", field=field
        )


def _require_short(texts: Iterable[object], *, field: str) -> None:
    for text in texts:
        if isinstance(text, str) and len(text) > TEXT_CHARACTERS:
            raise invalid_value(
                f"A text in {field} has {len(text):,} characters; the limit is "
                f"{TEXT_CHARACTERS:,}.",
                field=field,
            )


def _require_pattern(pattern: str, *, field: str, name: str) -> None:
    if len(pattern) > PATTERN_CHARACTERS:
        raise invalid_value(
            f"{name} has {len(pattern):,} characters; the limit is {PATTERN_CHARACTERS:,}.",
            field=field,
        )
    size = measure_pattern(pattern)
    if size > LARGEST_PATTERN:
        raise invalid_value(
            f"{name} has {size:,} characters when its counts are written out; the limit is "
            f"{LARGEST_PATTERN:,}. Use lower counts, or let max_tokens limit the text.",
            field=field,
        )


def _require_schema(schema: dict[str, Any], *, field: str) -> None:
    found: Counter[str] = Counter()
    for node in _walk(schema, field=field):
        found += _count(node)
        for kind, most in SCHEMA_MOST.items():
            if found[kind] > most:
                raise invalid_value(f"{field} has more than {most:,} {kind}.", field=field)
        _require_node(node, field=field)
    size = len(json.dumps(schema, ensure_ascii=False).encode(errors="surrogatepass"))
    if size > SCHEMA_BYTES:
        raise invalid_value(
            f"{field} has {size:,} bytes of JSON; the limit is {SCHEMA_BYTES:,}.", field=field
        )


def _walk(schema: dict[str, Any], *, field: str) -> Iterator[dict[str, Any]]:
    """Every object in the schema, without recursion; raises `DomainError` if it is too deep."""
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > SCHEMA_DEPTH:
            raise invalid_value(
                f"{field} has objects and arrays nested more than {SCHEMA_DEPTH} deep.", field=field
            )
        if isinstance(value, dict):
            yield value
        inside = value.values() if isinstance(value, dict) else value
        waiting += ((each, depth + 1) for each in inside if isinstance(each, dict | list))


def _count(node: dict[str, Any]) -> Counter[str]:
    return Counter(
        {
            "properties": _length(node, dict, "properties", "patternProperties"),
            "branches": _length(node, list, *BRANCHES),
            "enum values": _length(node, list, "enum"),
        }
    )


def _length(node: dict[str, Any], kind: type[Sized], *names: str) -> int:
    return sum(len(node[name]) for name in names if isinstance(node.get(name), kind))


def _require_node(node: dict[str, Any], *, field: str) -> None:
    for name in COUNTS:
        count = node.get(name)
        if isinstance(count, int | float) and count > LARGEST_COUNT:
            raise invalid_value(
                f"{name} in {field} is {count:,}; the limit is {LARGEST_COUNT:,}.", field=field
            )
    if isinstance(values := node.get("enum"), list):
        _require_short(values, field=field)
    _require_short([node.get("const")], field=field)
    for name in PATTERNS:
        if isinstance(pattern := node.get(name), str):
            _require_pattern(pattern, field=field, name=f"A pattern in {field}")
    if isinstance(named := node.get("patternProperties"), dict):
        for pattern in named:
            _require_pattern(pattern, field=field, name=f"A pattern in {field}")
