"""Which reviewers may not decide: separation of duties, enforced by the command layer.

Besides the applicant: a reviewer who is too close to them or decided before, and anyone while
another reviewer holds the claim.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from portal.gate.access.enums import Command, Role
from portal.gate.access.models import Application, Claimable
from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.models import User
from portal.platform.core.domain_names import canonical_domain
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

DECIDING = (Command.APPROVE, Command.REJECT)

Finder = Callable[[int, User], str]
_FINDERS: list[Finder] = []


def require_role(by: User | None, role: Role, *, owner_id: int, what: str) -> None:
    """Raise `DomainError` unless `by` has `role` for what `owner_id` owns.

    Raises `ValueError` if `by` is None and `role` is not the system.
    """
    if role == Role.SYSTEM:
        return
    if by is None:
        raise ValueError("only the system acts without a person")
    if role == Role.APPLICANT:
        require_owner(by, owner_id=owner_id, what=what)
    if role == Role.REVIEWER:
        require_reviewer(by)
        require_outsider(owner_id, by=by, what=what)


def require_owner(by: User, *, owner_id: int, what: str) -> None:
    """Raise `DomainError` (`not_your_application` and the like) for anybody else."""
    if by.pk != owner_id:
        raise DomainError(RefusalCode(f"not_your_{what}"), f"This {what} belongs to somebody else.")


def require_reviewer(by: User) -> None:
    """Raise `DomainError` (`reviewers_only`) unless `by` is an active reviewer."""
    if not (by.is_reviewer and by.is_active):
        raise DomainError(RefusalCode.REVIEWERS_ONLY, "Only a reviewer can do this.")


def register_insiders(find: Finder) -> None:
    """Let a capability above this one say how a reviewer is near to a person, given by id: in a
    few words such as `in their team`, or empty.
    """
    _FINDERS.append(find)


def nearness(person_id: int, reviewer: User) -> str:
    """How the reviewer is near to the person; empty if they are not."""
    return next(filter(None, (find(person_id, reviewer) for find in _FINDERS)), "")


def is_outsider(person_id: int, reviewer: User) -> bool:
    """Whether the reviewer is neither the person nor near to them."""
    return person_id != reviewer.pk and not nearness(person_id, reviewer)


def require_other(person_id: int | None, *, by: User, what: str, field: str | None = None) -> None:
    """Raise `DomainError` (`own_application`, `own_person` and the like) if the person is `by`."""
    if person_id == by.pk:
        words = "This is about you" if what == "person" else f"This is your own {what}"
        code = RefusalCode(f"own_{what}")
        raise DomainError(code, f"{words}. Another reviewer decides.", field=field)


def require_outsider(person_id: int, *, by: User, what: str = "application") -> None:
    """Raise `DomainError` (`own_application` and the like, `own_team`) if a reviewer is the
    person, or is too close to the person to decide.
    """
    require_other(person_id, by=by, what=what)
    if how := nearness(person_id, by):
        raise DomainError(RefusalCode.OWN_TEAM, f"You are {how}. Another reviewer decides.")


def require_free_claim(
    claimed: Claimable,
    *,
    by: User,
    at: datetime,
    what: str = "application",
    way_out: str = "hand it over or release it",
) -> None:
    """Raise `DomainError` (`claimed_by_other`) while another reviewer holds it."""
    claimant = claimed.claimant_at(at)
    if claimant is not None and claimant.pk != by.pk:
        raise DomainError(
            RefusalCode.CLAIMED_BY_OTHER,
            f"{claimant.name} holds this {what} until "
            f"{claimed.claim_ends_at:%d %B, %H:%M} UTC. They can {way_out}.",
        )


def require_fresh_eyes(application: Application, *, by: User) -> None:
    """Raise `DomainError` (`decided_before`) if `by` decided on it before the appeal."""
    if application.appealed_at and by.pk in deciders(application, before=application.appealed_at):
        raise DomainError(
            RefusalCode.DECIDED_BEFORE,
            "You decided on this application before it was appealed. Another reviewer decides.",
        )


def deciders(application: Application, *, before: datetime | None = None) -> set[int]:
    """Ids of the reviewers whose decisions on it were not taken back, up to a moment."""
    steps = application.steps.filter(command__in=DECIDING, ruling__taken_back_at=None)
    if before is not None:
        steps = steps.filter(at__lt=before)
    return set(steps.values_list("actor_id", flat=True))


def shares_domain(application: Application, reviewer: User) -> bool:
    """Whether both have confirmed addresses at the same domain: a fact to weigh, not a bar."""
    theirs = domain_of(application.applicant_email or application.applicant.email)
    return theirs == domain_of(reviewer.email) and is_email_verified(reviewer)


def domain_of(email: str) -> str:
    """The domain of an address, in the form in which domains are compared."""
    return canonical_domain(email.rpartition("@")[2])
