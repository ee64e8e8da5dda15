"""Bodies as JSON that a database can keep."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny

from portal.core.errors import DomainError

SUSPECT: Final = re.compile(rb"\\u0000|\\ud[89a-f]", re.IGNORECASE)
"""How JSON can spell a NUL, and half of a character; a pair of halves is a character."""
_TOO_LONG: Final = object()
"""Stands for a number that was not read."""


class StorableParser(Parser):
    """Raises `DomainError` for a text that PostgreSQL cannot hold."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        body = _load(request.body)
        if SUSPECT.search(request.body) and not _is_storable(body):
            raise DomainError(
                "invalid_value",
                "The body has a text with a NUL character or with half of a surrogate pair. "
                "Leave it out.",
                field=_find_field(body, _is_storable),
            )
        return body


def _load(raw: bytes) -> DictStrAny:
    try:
        body: DictStrAny = json.loads(raw)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:
        # The only other one is an integer of more digits than Python reads.
        body = json.loads(raw, parse_int=_measure)
        field = _find_field(body, lambda value: _holds_no(_TOO_LONG, value))
        raise DomainError(
            "invalid_value", f"{field or 'The body'} has a number that is too long.", field=field
        ) from None
    return body


def _measure(digits: str) -> object:
    return _TOO_LONG if len(digits) > sys.get_int_max_str_digits() else 0


def _find_field(body: Any, is_good: Callable[[Any], bool]) -> str | None:  # noqa: ANN401 -- JSON
    """The field that holds what is not good; None where a name itself does."""
    fields = body.items() if isinstance(body, dict) else ()
    return next((name for name, own in fields if is_good(name) and not is_good(own)), None)


def _holds_no(unwanted: object, value: Any) -> bool:  # noqa: ANN401 -- JSON
    match value:
        case dict():
            return all(_holds_no(unwanted, own) for own in value.values())
        case list():
            return all(_holds_no(unwanted, own) for own in value)
        case _:
            return value is not unwanted


def _is_storable(value: Any) -> bool:  # noqa: ANN401 -- JSON
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
        case dict():
            return all(_is_storable(name) and _is_storable(own) for name, own in value.items())
        case list():
            return all(map(_is_storable, value))
        case _:
            return True
