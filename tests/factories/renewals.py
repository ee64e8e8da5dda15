"""Renewals for tests, as their holders submit them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from portal.gate.access.models import Grant
from portal.gate.renewals.domain.handing_in import ReportAnswers, hand_in_report
from portal.gate.renewals.enums import RenewalCommand, RenewalState
from portal.gate.renewals.models import Renewal, RenewalStep, Report
from portal.platform.accounts.models import User

REPORT = ReportAnswers(
    progress="Half of the pairs are scored.",
    outputs="A preprint: https://example.org/preprint",
    is_noncommercial=True,
    incidents="None.",
)


def hand_in(grants: Sequence[Grant], *, answers: ReportAnswers = REPORT) -> Renewal:
    """The holder's report about grants that are in their window."""
    return hand_in_report(grants[0].user, grants=grants, answers=answers)


def make_renewal(
    grant: Grant,
    state: RenewalState,
    *,
    decider: User | None = None,
    ends_at: datetime | None = None,
) -> Renewal:
    """A renewal in any state, with its report, without the earlier steps."""
    now = timezone.now()
    renewal = Renewal.objects.create(
        holder=grant.user,
        state=state,
        submitted_at=None if state == RenewalState.DRAFT else now,
        ends_at=(ends_at or now) if state == RenewalState.APPROVED else None,
    )
    renewal.grants.add(grant)
    if state != RenewalState.DRAFT:
        Report.objects.create(renewal=renewal, number=1, handed_in_at=now, **vars(REPORT))
        RenewalStep.objects.create(
            renewal=renewal, command=RenewalCommand.SUBMIT, actor=grant.user, at=now
        )
    if decider is not None:
        RenewalStep.objects.create(
            renewal=renewal, command=RenewalCommand.RETURN, actor=decider, note="More.", at=now
        )
    return renewal
