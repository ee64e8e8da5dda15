"""Bodies as JSON that a database can keep."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny

from portal.core.errors import DomainError

SUSPECT: Final = re.compile(rb"\\u0000|\\ud[89a-f]", re.IGNORECASE)
"""How JSON can spell a NUL, and half of a character; a pair of halves is a character."""


class StorableParser(Parser):
    """Raises `DomainError` for a text that PostgreSQL cannot hold."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        body: DictStrAny = json.loads(request.body)
        if SUSPECT.search(request.body) and not _is_storable(body):
            raise DomainError(
                "invalid_value",
                "The body has a text with a NUL character or with half of a surrogate pair. "
                "Leave it out.",
                field=_find_field(body),
            )
        return body


def _find_field(body: Any) -> str | None:  # noqa: ANN401 -- JSON
    """The field that holds it; None where a name itself does."""
    fields = body.items() if isinstance(body, dict) else ()
    return next(
        (name for name, own in fields if _is_storable(name) and not _is_storable(own)), None
    )


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
