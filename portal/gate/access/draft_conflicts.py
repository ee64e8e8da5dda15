"""Two conflicting texts of a draft's field, as the form shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django import forms

from portal.gate.access.domain.process.versions import Segment, diff_words

Value = str | Sequence[str]


@dataclass(frozen=True)
class Conflict:
    """The saved text and the sent text; `segments` read in order give both."""

    name: str
    segments: tuple[Segment, ...]


def describe_conflicts(
    form: forms.Form, *, saved: Mapping[str, Value], sent: Mapping[str, Value], names: Iterable[str]
) -> dict[str, Conflict]:
    """The conflict of each named field, with labels in place of stored values."""
    return {
        name: Conflict(
            name,
            tuple(
                diff_words(
                    _describe(form.fields[name], saved.get(name, "")),
                    _describe(form.fields[name], sent.get(name, "")),
                )
            ),
        )
        for name in names
        if name in form.fields
    }


def _describe(field: forms.Field, value: Value) -> str:
    chosen = [value] if isinstance(value, str) else list(value)
    labels = _labels(field)
    return ", ".join(labels.get(item, item) for item in chosen).replace("\r\n", "\n")


def _labels(field: forms.Field) -> dict[str, str]:
    choices = getattr(field, "choices", ())
    return {str(value): str(label) for value, label in choices if value}
