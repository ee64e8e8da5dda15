"""Erasing what a person and their reviewers wrote; the course of the cases is kept."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from portal.gate.access.domain.process.applications import withdraw_application
from portal.gate.access.enums import OPEN_STATES, Command
from portal.gate.access.models import (
    AccountMerge,
    Application,
    Denial,
    Grant,
    Override,
    Remark,
    Ruling,
    Step,
    SubmittedVersion,
)
from portal.platform.accounts.models import User

ERASED: Final = "erased"
KEPT_ANSWERS: Final = frozenset({"country", "sector", "models_wanted", "capabilities"})
"""Answers of a submitted version that are kept: chosen from lists, not in the person's words."""


def close_applications(person: User) -> None:
    """Withdraw the person's open applications."""
    for application in Application.objects.filter(applicant=person, state__in=OPEN_STATES):
        withdraw_application(application, by=person)


def erase_cases(cases: QuerySet[Application], *, as_name: str, as_email: str) -> None:
    """Replace one person's name and address, and erase all free text.

    What they applied for, the country, and the course of the case are kept.
    """
    cases.update(
        draft={}, orcid="", is_orcid_verified=False, homepage="", position="",
        connection_country="", data_handling="", others_with_access="", erased_at=timezone.now(),
    )  # fmt: skip
    cases.exclude(submitted_at=None).update(
        applicant_name=as_name,
        applicant_email=as_email,
        affiliation=ERASED,
        intended_use=ERASED,
    )
    Step.objects.filter(application__in=cases).update(note="")
    Ruling.objects.filter(step__application__in=cases).update(field_notes={})
    Override.objects.filter(step__application__in=cases).update(reason=ERASED)
    Remark.objects.filter(application__in=cases).update(text="")
    Grant.objects.filter(application__in=cases).update(reason="")
    for version in SubmittedVersion.objects.filter(application__in=cases):
        version.answers = {
            name: text if name in KEPT_ANSWERS or not text else ERASED
            for name, text in version.answers.items()
        }
        version.save(update_fields=["answers"])


def erase_remarks(person: User, *, name: str, email: str) -> None:
    """Erase what the denylist and account merges say about the person, and the notes of
    applications handed over to them as a reviewer.
    """
    AccountMerge.objects.filter(Q(kept=person) | Q(merged=person)).update(reason=ERASED)
    texts = ("reason", "appeal", "lift_note")
    about = Q(person=person)
    for needle in filter(None, (name, email)):
        # Whole words: a short name is part of many others.
        pattern = rf"\y{re.escape(needle)}\y"
        for text in texts:
            about |= Q(**{f"{text}__iregex": pattern})
    Denial.objects.filter(about).update(
        **{
            text: Case(When(Q(**{text: ""}), then=Value("")), default=Value(ERASED))
            for text in texts
        }
    )
    given = Step.objects.filter(command=Command.HAND_OVER, note__startswith=f"To {name}.")
    given.update(note="")
