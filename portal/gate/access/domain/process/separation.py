"""Who may not decide though they review: separation of duties, held by the command layer."""

from __future__ import annotations

from datetime import datetime

from portal.gate.access.enums import Command
from portal.gate.access.models import Application, Claimable
from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.models import User
from portal.platform.core.domain_names import canonical_domain
from portal.platform.core.errors import DomainError

DECIDING = (Command.APPROVE, Command.REJECT)


def require_free_claim(
    claimed: Claimable,
    *,
    by: User,
    at: datetime,
    what: str = "application",
    way_out: str = "hand it over or lay it down",
) -> None:
    """Raise `DomainError` (`claimed_by_other`) while another reviewer holds it."""
    claimant = claimed.claimant_at(at)
    if claimant is not None and claimant.pk != by.pk:
        raise DomainError(
            "claimed_by_other",
            f"{claimant.name} holds this {what} until "
            f"{claimed.claim_ends_at:%d %B, %H:%M} UTC. They can {way_out}.",
        )


def require_fresh_eyes(application: Application, *, by: User) -> None:
    """Raise `DomainError` (`decided_before`) where an appeal would go to who refused it."""
    if application.appealed_at and by.pk in deciders(application, before=application.appealed_at):
        raise DomainError(
            "decided_before",
            "You decided on this application before it was appealed. Another reviewer has to.",
        )


def deciders(application: Application, *, before: datetime | None = None) -> set[int]:
    """Ids of the reviewers whose decisions on it stood, up to a moment."""
    steps = application.steps.filter(command__in=DECIDING, ruling__taken_back_at=None)
    if before is not None:
        steps = steps.filter(at__lt=before)
    return set(steps.values_list("actor_id", flat=True))


def shares_domain(application: Application, reviewer: User) -> bool:
    """Whether both have confirmed addresses of the same domain: a fact to weigh, and no bar."""
    theirs = domain_of(application.applicant_email or application.applicant.email)
    return theirs == domain_of(reviewer.email) and is_email_verified(reviewer)


def domain_of(email: str) -> str:
    """The domain of an address, spelt as domains are compared."""
    return canonical_domain(email.rpartition("@")[2])
