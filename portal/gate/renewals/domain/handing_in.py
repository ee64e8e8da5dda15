"""What a holder does with a renewal: hand in a report, again after a return, or withdraw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.enums import Role
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.commands import move_renewal
from portal.gate.renewals.domain.window import renewable_grants
from portal.gate.renewals.enums import OPEN_STATES, RenewalCommand, RenewalState
from portal.gate.renewals.models import Renewal, RenewalStep, Report
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LONGEST_TEXT = 5000
TEXTS = {
    "progress": "Say what you have done with the models.",
    "outputs": "List the results, or write “nothing yet”.",
    "incidents": "Describe the incidents, or write “none”.",
}
"""The report's texts, with the error for an empty one."""


@dataclass(frozen=True, kw_only=True)
class ReportAnswers:
    """One page on what was done with the models."""

    progress: str
    outputs: str
    is_noncommercial: bool
    incidents: str


def open_renewal(holder: User) -> Renewal | None:
    """The person's open renewal; there is at most one."""
    return Renewal.objects.filter(holder=holder, state__in=OPEN_STATES).first()


@transaction.atomic
def hand_in_report(
    holder: User, *, grants: Sequence[Grant], answers: ReportAnswers, seen: int | None = None
) -> Renewal:
    """Ask for an extension of `grants`; a returned renewal keeps the grants it has.

    Raises `DomainError`: `text_missing`, `text_too_long`, `grants_missing`, `not_renewable`
    (outside the weeks around the end, or not in force), `renewal_pending`; `LostRace`.
    """
    renewal = open_renewal(holder) or _begin(holder, grants)
    if renewal.state not in (RenewalState.DRAFT, RenewalState.RETURNED):
        raise DomainError(
            RefusalCode.RENEWAL_PENDING,
            "Your renewal is with the reviewers. To change it, withdraw it first.",
            next_url=reverse("renewals:renewal", args=[renewal.pk]),
        )
    now = timezone.now()
    texts = {name: _require(name, getattr(answers, name)) for name in TEXTS}
    Report.objects.create(
        renewal=renewal,
        number=renewal.reports.count() + 1,
        is_noncommercial=answers.is_noncommercial,
        handed_in_at=now,
        **texts,
    )
    move_renewal(
        renewal,
        RenewalCommand.SUBMIT,
        by=holder,
        role=Role.APPLICANT,
        seen=seen,
        submitted_at=now,
    )
    return renewal


@transaction.atomic
def withdraw_renewal(renewal: Renewal, *, by: User) -> RenewalStep:
    """Withdraw a renewal before a reviewer decides; the grants keep their end.

    Raises `DomainError` (`not_your_renewal`) and `LostRace`.
    """
    return move_renewal(
        renewal,
        RenewalCommand.WITHDRAW,
        by=by,
        role=Role.APPLICANT,
        claimed_by=None,
        claim_ends_at=None,
    )


def _begin(holder: User, grants: Sequence[Grant]) -> Renewal:
    if not grants:
        raise DomainError(
            RefusalCode.GRANTS_MISSING, "Choose what you want to renew.", field="grants"
        )
    open_now = {grant.pk for grant in renewable_grants(holder, at=timezone.now())}
    if outside := [grant for grant in grants if grant.pk not in open_now]:
        raise DomainError(
            RefusalCode.NOT_RENEWABLE,
            f"Access to {outside[0].model.name} cannot be renewed now.",
            field="grants",
        )
    try:
        with transaction.atomic():
            renewal = Renewal.objects.create(holder=holder)
    except IntegrityError:
        # Another tab was faster.
        return Renewal.objects.get(holder=holder, state__in=OPEN_STATES)
    renewal.grants.set(grants)
    return renewal


def _require(name: str, text: str) -> str:
    text = require_text(text, field=name, message=TEXTS[name])
    if len(text) > LONGEST_TEXT:
        raise DomainError(
            RefusalCode.TEXT_TOO_LONG, f"At most {LONGEST_TEXT:,} characters.", field=name
        )
    return text
