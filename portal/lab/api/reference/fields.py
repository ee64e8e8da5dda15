"""A JSON schema as rows of a table: name, type, default, bounds, description."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {}"),
    ("maxItems", "at most {}"),
)
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One parameter; texts that do not apply are empty."""

    name: str
    type: str
    is_required: bool
    default: str
    bounds: str
    description: str


def read_fields(schema: Schema, components: Schema, *, prefix: str = "") -> Iterator[Field]:
    """An object's properties; those of a nested object follow it as `name.inner`."""
    whole = follow(schema, components)
    required = whole.get("required", [])
    for name, own in whole.get("properties", {}).items():
        yield read_field(prefix + name, own, components, is_required=name in required)
        for choice in _choices(own):
            is_list = choice.get("type") == "array"
            inner = choice.get("items", {}) if is_list else choice
            if "$ref" in inner:
                place = f"{prefix}{name}{'[]' if is_list else ''}."
                yield from read_fields(inner, components, prefix=place)


def read_field(name: str, schema: Schema, components: Schema, *, is_required: bool) -> Field:
    """One property or parameter."""
    bounds = [
        words.format(
            f"{choice[key]:,.12g}" if isinstance(choice[key], float) else f"{choice[key]:,}"
        )
        for choice in (schema, *_alternatives(schema))
        for key, words in BOUNDS
        if key in choice
    ]
    default = schema.get("default")
    return Field(
        name=name,
        type=" or ".join(dict.fromkeys(_name(each, components) for each in _choices(schema))),
        is_required=is_required,
        default="" if default in (None, "") else json.dumps(default),
        bounds=", ".join(dict.fromkeys(bounds)),
        description=str(schema.get("description", "")),
    )


def follow(schema: Schema, components: Schema) -> Schema:
    """The schema, or the one it refers to."""
    if "$ref" not in schema:
        return schema
    found: Schema = components["schemas"][schema["$ref"].split("/")[-1]]
    return found


def _alternatives(schema: Schema) -> list[Schema]:
    """The alternatives that are not null; nested alternatives are flattened."""
    found = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    return [own for each in found for own in _alternatives(each) or [each]]


def _choices(schema: Schema) -> list[Schema]:
    return _alternatives(schema) or [schema]


def _name(schema: Schema, components: Schema) -> str:
    own = follow(schema, components)
    if "const" in own:
        return json.dumps(own["const"])
    if "enum" in own:
        return " or ".join(json.dumps(each) for each in own["enum"])
    match own.get("type"):
        case "array":
            inner = [_name(each, components) for each in _choices(own.get("items", {}))]
            return f"list of {' or '.join(inner)}"
        case "string" if own.get("format") == "binary":
            return "file"
        case None:
            return "any"
        case kind:
            return str(kind)
