"""Erasing what a person and their reviewers wrote about renewals; decisions are kept."""

from __future__ import annotations

from portal.gate.access.domain.erasure import ERASED
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.handing_in import open_renewal, withdraw_renewal
from portal.gate.renewals.models import Renewal, RenewalStep, Report, Statement
from portal.platform.accounts.models import User


def close_renewal(person: User) -> None:
    """Withdraw the open renewal, if there is one."""
    renewal = open_renewal(person)
    if renewal is not None:
        withdraw_renewal(renewal, by=person)


def erase_reports(person: User, *, as_name: str) -> None:
    """Erase all free text, and replace the name in statements with `as_name`."""
    Report.objects.filter(renewal__holder=person).update(
        progress=ERASED, outputs=ERASED, incidents=ERASED
    )
    RenewalStep.objects.filter(renewal__holder=person).update(note="")
    Statement.objects.filter(grant__user=person).update(legal_name=as_name, remarks="")


def subjects_of(person: User) -> list[str]:
    """The subjects of the person's renewals and grants in notices and events."""
    renewals = Renewal.objects.filter(holder=person).values_list("pk", flat=True)
    grants = Grant.objects.filter(user=person).values_list("pk", flat=True)
    return [*(f"renewal:{pk}" for pk in renewals), *(f"grant:{pk}" for pk in grants)]
