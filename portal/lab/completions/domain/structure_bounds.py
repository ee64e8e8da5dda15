"""How large a structure may be, so that a compiler and every step of the model stay quick.

What these bounds let through compiles within a second; docs/limits.md has the figures.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, Final

from inference_workers.contract import Structure
from portal.lab.completions.domain.pattern_size import LARGEST_PATTERN, measure_pattern
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

SCHEMA_BYTES: Final = 64 * 2**10
SCHEMA_DEPTH: Final = 64
"""Objects and arrays inside each other, counted as vLLM does."""
SCHEMA_MOST: Final[Mapping[str, int]] = {"properties": 256, "branches": 128, "enum values": 1000}
LARGEST_COUNT: Final = 10_000
"""Of items and of properties that a schema counts."""
PATTERN_CHARACTERS: Final = 4096
CHOICES: Final = 1000
CHOICE_BYTES: Final = 64 * 2**10
TEXT_CHARACTERS: Final = 4096
"""Of one text to choose: every step of the model goes through what is left of it."""

COUNTS: Final = ("minItems", "maxItems", "minProperties", "maxProperties")
BRANCHES: Final = ("anyOf", "oneOf", "allOf")
PATTERNS: Final = ("pattern", "whitespace_pattern")


def require_bounded(structure: Structure, *, field: str) -> None:
    """Raise `DomainError` on the field, with the limit that the structure is beyond."""
    if structure.regex is not None:
        _require_pattern(structure.regex, field=field, name=field)
    elif structure.choice:
        _require_choices(structure.choice, field=field)
    elif structure.json_schema is not None:
        _require_schema(structure.json_schema, field=field)


def _require_choices(choices: tuple[str, ...], *, field: str) -> None:
    if "" in choices:
        raise _refuse(field, f"{field}[{choices.index('')}] is empty. Leave it out.")
    if len(choices) > CHOICES:
        raise _refuse(field, f"{field} has {len(choices):,} texts, and may have {CHOICES:,}.")
    _require_short(choices, field=field)
    size = sum(len(choice.encode(errors="surrogatepass")) for choice in choices)
    if size > CHOICE_BYTES:
        raise _refuse(field, f"{field} has {size:,} bytes, and may have {CHOICE_BYTES:,}.")


def _require_short(texts: Iterable[object], *, field: str) -> None:
    for text in texts:
        if isinstance(text, str) and len(text) > TEXT_CHARACTERS:
            raise _refuse(
                field,
                f"A text in {field} has {len(text):,} characters, and may have "
                f"{TEXT_CHARACTERS:,}.",
            )


def _require_pattern(pattern: str, *, field: str, name: str) -> None:
    if len(pattern) > PATTERN_CHARACTERS:
        raise _refuse(
            field,
            f"{name} has {len(pattern):,} characters, and may have {PATTERN_CHARACTERS:,}.",
        )
    size = measure_pattern(pattern)
    if size > LARGEST_PATTERN:
        raise _refuse(
            field,
            f"{name} has {size:,} characters when its counts are written out, and may have "
            f"{LARGEST_PATTERN:,}. Count less, or let max_tokens bound the text.",
        )


def _require_schema(schema: dict[str, Any], *, field: str) -> None:
    found: Counter[str] = Counter()
    for node in _walk(schema, field=field):
        found += _count(node)
        for kind, most in SCHEMA_MOST.items():
            if found[kind] > most:
                raise _refuse(field, f"{field} has more than {most:,} {kind}.")
        _require_node(node, field=field)
    size = len(json.dumps(schema, ensure_ascii=False).encode(errors="surrogatepass"))
    if size > SCHEMA_BYTES:
        raise _refuse(field, f"{field} has {size:,} bytes of JSON, and may have {SCHEMA_BYTES:,}.")


def _walk(schema: dict[str, Any], *, field: str) -> Iterator[dict[str, Any]]:
    """Every object in it, without recursion; raises `DomainError` where it is too deep."""
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > SCHEMA_DEPTH:
            raise _refuse(
                field,
                f"{field} has objects and arrays more than {SCHEMA_DEPTH} deep inside each other.",
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
            raise _refuse(field, f"{name} in {field} is {count:,}, and may be {LARGEST_COUNT:,}.")
    if isinstance(values := node.get("enum"), list):
        _require_short(values, field=field)
    _require_short([node.get("const")], field=field)
    for name in PATTERNS:
        if isinstance(pattern := node.get(name), str):
            _require_pattern(pattern, field=field, name=f"A pattern in {field}")
    if isinstance(named := node.get("patternProperties"), dict):
        for pattern in named:
            _require_pattern(pattern, field=field, name=f"A pattern in {field}")


def _refuse(field: str, message: str) -> DomainError:
    return DomainError(RefusalCode.INVALID_VALUE, message, field=field)
