"""Strict models for JSON from outside: no value is converted to another type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from portal.platform.core.errors import DomainError, invalid_value

LARGEST_COUNT: Final = 2**31 - 1
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
"""A count that any engine can represent."""


class WireModel(BaseModel):
    """A body that refuses unknown names, and does not accept `true` or `"1"` as a number."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class OpenWireModel(WireModel):
    """Keeps unknown names, so that the response can say what happened to them."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True)
class AlsoText:
    """Annotates a list that may also be given as a single string, its only item.

    Not a union: pydantic would include its branches in the place of a fault.
    """

    wrap: Callable[[str], object] = str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._list, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(schema)]}

    def _list(self, value: object) -> object:
        if isinstance(value, str):
            return [self.wrap(value)]
        if isinstance(value, list):
            return value
        raise ValueError("must be a string or a list")


Texts = Annotated[list[str], AlsoText()]

WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than_equal": "must be at least {ge:,}",
    "greater_than": "must be above {gt:,}",
    "less_than_equal": "must be at most {le:,}",
    "less_than": "must be below {lt:,}",
    "too_short": "needs at least {min_length:,}",
    "too_long": "may have at most {max_length:,}",
    "string_too_long": "may have at most {max_length:,} characters",
    "string_too_short": "needs at least {min_length:,} characters",
    "value_error": "{error}",
}
"""What is wrong with a value, by pydantic's name for the fault."""


def describe_invalid(errors: Sequence[Mapping[str, Any]]) -> DomainError:
    """Pydantic's errors as one sentence about the first field at fault."""
    first = errors[0]
    field = write_place(first["loc"])
    words = WORDS.get(first["type"])
    named = {name: _tidy(value) for name, value in first.get("ctx", {}).items()}
    said = words.format(**named) if words else f"is wrong: {first['msg']}"
    return invalid_value(f"{field or 'The body'} {said}.", field=field)


def _tidy(value: object) -> object:
    """A bound as people write it: 2, not 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def write_place(place: Sequence[str | int]) -> str | None:
    """A path such as `messages[1].content`; None for the whole body."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".") or None
