"""The submitted versions of an application, and what changed between two of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils import timezone

from portal.gate.access.application_fields import APPLICATION_FIELDS
from portal.gate.access.models import Application, Ruling, SubmittedVersion

_WORDS = re.compile(r"\S+|\s+")


@dataclass(frozen=True)
class Segment:
    """A run of words that is `same`, `added` or `removed`."""

    kind: str
    text: str


@dataclass(frozen=True)
class FieldChange:
    """One field of two versions; `segments` read in order give both texts."""

    name: str
    label: str
    segments: tuple[Segment, ...]


def freeze_version(application: Application, *, models: list[str]) -> SubmittedVersion:
    """Keep the current answers, in words that a person can read, as the next version."""
    answers = {name: getattr(application, name) for name in APPLICATION_FIELDS} | {
        "sector": application.get_sector_display(),
        "country": application.country_name,
        "models_wanted": ", ".join(models),
        "capabilities": ", ".join(application.capability_names),
    }
    newest = application.versions.order_by("-number").first()
    return SubmittedVersion.objects.create(
        application=application,
        number=newest.number + 1 if newest else 1,
        answers=answers,
        submitted_at=application.submitted_at or timezone.now(),
    )


def compare_versions(old: SubmittedVersion, new: SubmittedVersion) -> list[FieldChange]:
    """The fields whose text differs, in the order of the form, word by word."""
    return [
        FieldChange(name, terms.label, tuple(diff_words(_read(old, name), _read(new, name))))
        for name, terms in APPLICATION_FIELDS.items()
        if _read(old, name) != _read(new, name)
    ]


def _read(version: SubmittedVersion, name: str) -> str:
    """The answer; empty for a question that was not asked then."""
    return str(version.answers.get(name, ""))


def diff_words(old: str, new: str) -> list[Segment]:
    """Compare by words: joining `same` and `removed` gives `old`, `same` and `added` `new`."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    segments: list[Segment] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            segments.append(Segment("same", "".join(before[i1:i2])))
            continue
        if i1 < i2:
            segments.append(Segment("removed", "".join(before[i1:i2])))
        if j1 < j2:
            segments.append(Segment("added", "".join(after[j1:j2])))
    return segments


def label_notes(ruling: Ruling | None) -> list[tuple[str, str]]:
    """The notes of a ruling by the labels of their fields, in the order of the form."""
    notes: Mapping[str, str] = ruling.field_notes if ruling else {}
    return [
        (terms.label, notes[name]) for name, terms in APPLICATION_FIELDS.items() if notes.get(name)
    ]
