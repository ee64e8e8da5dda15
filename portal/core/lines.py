"""One-line text in forms, commands and rows; what it may be is in `one_line`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from portal.core.errors import DomainError
from portal.core.one_line import read_line, read_name, tame_line

UNSEEN: Final = r"[\u0001-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
"""For PostgreSQL: line ends, and the characters that change how others are read."""


class LineField(forms.CharField):
    """Takes one line, and answers it with one space wherever there was some."""

    def to_python(self, value: object) -> str:
        text = super().to_python(value) or ""
        if self.max_length is not None and len(text) > self.max_length:
            return text
        try:
            return self.read(text)
        except ValueError as error:
            raise ValidationError(str(error), code="line") from None

    def read(self, text: str) -> str:
        return read_line(text)


class NameField(LineField):
    """Takes the name of a person."""

    def read(self, text: str) -> str:
        return read_name(text)


def validate_name(text: str) -> None:
    """Raise `ValidationError` for what is no name of a person."""
    try:
        read_name(text)
    except ValueError as error:
        raise ValidationError(str(error), code="line") from None


def require_line(
    text: str,
    *,
    field: str,
    message: str,
    code: str = "text_missing",
    read: Callable[[str], str] = read_line,
) -> str:
    """The text as `read` gives it.

    Raises `DomainError` about `field`: `code`, with `message`, for none; `invalid_line`.
    """
    try:
        line = read(text)
    except ValueError as error:
        raise DomainError("invalid_line", str(error), field=field) from None
    if not line:
        raise DomainError(code, message, field=field)
    return line


def one_line_constraint(field: str, *, name: str) -> models.CheckConstraint:
    """Hold a column to one line that hides nothing, whoever writes to it."""
    return models.CheckConstraint(name=name, condition=~models.Q(**{f"{field}__regex": UNSEEN}))


def mend_rows(rows: models.QuerySet[Any], *, columns: Iterable[str], unseen: str) -> None:
    """Tame what older rows hold, so that the constraints can be made."""
    for column in columns:
        wrong = rows.filter(**{f"{column}__regex": unseen})
        for pk, text in wrong.values_list("pk", column):
            tamed = tame_line(text) or "?"
            rows.filter(pk=pk).update(**{column: tamed})
