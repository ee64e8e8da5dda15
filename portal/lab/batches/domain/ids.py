"""The ids that clients see."""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from uuid import UUID

from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

FILE: Final = "file-"
BATCH: Final = "batch_"


def write_id(prefix: str, value: UUID) -> str:
    return prefix + value.hex


def parse_id(text: str, *, prefix: str, field: str | None = None) -> UUID:
    """The UUID; raises `DomainError` with code `not_found` for a text that is not an id."""
    if text.startswith(prefix):
        with suppress(ValueError):
            return UUID(hex=text.removeprefix(prefix))
    raise missing(text, prefix=prefix, field=field)


def missing(text: str, *, prefix: str, field: str | None = None) -> DomainError:
    """The same error for an object that never existed, was erased, or is another person's."""
    name = "file" if prefix == FILE else "batch"
    return DomainError(RefusalCode.NOT_FOUND, f"There is no {name} {text[:100]!r}.", field=field)
