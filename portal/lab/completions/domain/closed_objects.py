"""Objects of a JSON schema that have the properties they name, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords that hold schemas by name."""
WHOLE: Final = ("items", "prefixItems", "additionalProperties", "propertyNames", "then", "else")
"""Keywords whose schemas stand for values of their own."""
ALTERNATIVES: Final = ("anyOf", "oneOf")
PARTS: Final = (*ALTERNATIVES, "allOf", "$ref", "if")
"""Keywords whose schemas say more about the same value."""


def close_objects(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with `additionalProperties: false` where properties are named and it is left open.

    So read vLLM's other compilers, and people who write schemas for models: by the standard an
    object may go on for ever. An object that is put together of several schemas stays as it is,
    since none of them knows the properties of all.
    """
    has_own = "properties" in schema
    has_parts = any(keyword in schema for keyword in PARTS)
    closed = {
        keyword: value if keyword in PARTS and has_own else _close(keyword, value)
        for keyword, value in schema.items()
    }
    if has_own and not has_parts:
        closed.setdefault("additionalProperties", False)
    return closed


def _close(keyword: str, value: Any) -> Any:  # noqa: ANN401 -- JSON
    if keyword in NAMED and isinstance(value, dict):
        return {name: _close_value(own) for name, own in value.items()}
    return _close_value(value) if keyword in (*WHOLE, *ALTERNATIVES) else value


def _close_value(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        return close_objects(value)
    if isinstance(value, list):
        return [_close_value(each) for each in value]
    return value
