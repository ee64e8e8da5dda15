"""Closes the objects of a JSON schema: they have the properties that they name, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords that hold schemas by name."""
WHOLE: Final = ("items", "prefixItems", "additionalProperties", "propertyNames", "then", "else")
"""Keywords whose schemas describe other values."""
ALTERNATIVES: Final = ("anyOf", "oneOf")
PARTS: Final = (*ALTERNATIVES, "allOf", "$ref", "if")
"""Keywords whose schemas say more about the same value."""


def close_objects(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with `additionalProperties: false` where properties are named and it is missing.

    vLLM's other compilers, and people who write schemas for models, read schemas in this way; by
    the standard, an object could continue without end. An object composed of several schemas is
    not changed, since none of them knows the properties of all.
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
