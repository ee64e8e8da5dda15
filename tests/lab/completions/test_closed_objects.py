"""An object that names its properties has no others, unless its schema says so."""

from __future__ import annotations

from typing import Any

import pytest

from portal.lab.completions.domain.closed_objects import close_objects

A = {"properties": {"a": {"type": "integer"}}}
B = {"properties": {"b": {"type": "integer"}}}


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (A, closed(A)),
        ({"properties": {"o": A}}, closed({"properties": {"o": closed(A)}})),
        ({"type": "array", "items": A}, {"type": "array", "items": closed(A)}),
        ({"prefixItems": [A, True]}, {"prefixItems": [closed(A), True]}),
        ({"anyOf": [A, {"type": "null"}]}, {"anyOf": [closed(A), {"type": "null"}]}),
        (
            {"$ref": "#/$defs/x", "$defs": {"x": A}},
            {"$ref": "#/$defs/x", "$defs": {"x": closed(A)}},
        ),
        ({"additionalProperties": A}, {"additionalProperties": closed(A)}),
        # Explicit values stay.
        ({**A, "additionalProperties": True}, {**A, "additionalProperties": True}),
        ({"type": "object"}, {"type": "object"}),
        ({"enum": [A]}, {"enum": [A]}),
        # No part of an object knows the properties of the others.
        ({"allOf": [A, B]}, {"allOf": [A, B]}),
        ({**A, "anyOf": [B]}, {**A, "anyOf": [B]}),
        ({**A, "$ref": "#/$defs/x"}, {**A, "$ref": "#/$defs/x"}),
        # A property may have the name of a keyword.
        ({"properties": {"properties": A}}, closed({"properties": {"properties": closed(A)}})),
    ],
)
def test_objects_are_closed(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert close_objects(schema) == expected
