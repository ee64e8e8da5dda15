"""Domains whose signing official speaks for everybody with an address there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.gate.access.domain.screening.institutions import FREE_MAIL
from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.domain.workflow.separation import (
    domain_of,
    require_outsider,
    require_reviewer,
)
from portal.gate.vouching.domain.letters import DOMAIN_KIND
from portal.gate.vouching.domain.requests import post_letter
from portal.gate.vouching.enums import DomainState, VouchKind
from portal.gate.vouching.models import AuthorisedDomain, VouchRequest
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.refusals import RefusalCode

LIFE: Final = timedelta(days=365)


def in_force(*, at: datetime) -> QuerySet[AuthorisedDomain]:
    """Authorisations in force: confirmed by a reviewer, not withdrawn, not ended."""
    confirmed = AuthorisedDomain.objects.filter(state=DomainState.CONFIRMED, ends_at__gt=at)
    return confirmed.select_related("request", "decided_by")


def find_authorisation(email: str, *, at: datetime) -> AuthorisedDomain | None:
    """The authorisation in force for the address's domain, and no other domain.

    A subdomain is a domain of its own: an official of one need not speak for the other.
    """
    return in_force(at=at).filter(domain=domain_of(email)).order_by("-ends_at").first()


def may_authorise(request: VouchRequest, *, at: datetime) -> bool:
    """Whether an official is given the choice to speak for their whole domain."""
    domain = domain_of(request.email)
    if request.kind != VouchKind.OFFICIAL or not domain or domain in FREE_MAIL:
        return False
    waiting = AuthorisedDomain.objects.filter(domain=domain, state=DomainState.PROPOSED)
    return not waiting.exists() and find_authorisation(request.email, at=at) is None


def propose_domain(request: VouchRequest) -> AuthorisedDomain:
    """Record that an official speaks for the domain of their own address.

    In the transaction of their answer, which came by a link sent to that address, so the
    address is theirs. Raises `DomainError` (`not_for_domain`).
    """
    if not may_authorise(request, at=timezone.now()):
        raise DomainError(
            RefusalCode.NOT_FOR_DOMAIN,
            "This domain cannot be authorised, or already is.",
            field="domain",
        )
    return AuthorisedDomain.objects.create(
        domain=domain_of(request.email), request=request, proposed_at=timezone.now()
    )


@transaction.atomic
def confirm_domain(entry: AuthorisedDomain, *, by: User) -> AuthorisedDomain:
    """Put a proposal in force for a year from now; the official is notified.

    Raises `DomainError`: `reviewers_only`, `own_application`, `own_address`; `LostRace`.
    """
    locked = _lock(entry, by=by)
    now = timezone.now()
    _move(locked, DomainState.PROPOSED, DomainState.CONFIRMED, decided_by=by, decided_at=now,
          ends_at=now + LIFE)  # fmt: skip
    post_letter(locked.request, kind=DOMAIN_KIND)
    data = {"domain": locked.domain, "ends_at": (now + LIFE).isoformat()}
    record(AuditTag.DOMAIN_CONFIRMED, actor=by, subject=f"domain:{locked.pk}", data=data)
    return locked


@transaction.atomic
def decline_domain(entry: AuthorisedDomain, *, by: User, note: str) -> AuthorisedDomain:
    """Decline a proposal, for a reason that reviewers read.

    Raises as `confirm_domain`, and `text_missing`.
    """
    note = require_text(note, field="note", message="Say why.")
    locked = _lock(entry, by=by)
    _move(locked, DomainState.PROPOSED, DomainState.DECLINED, decided_by=by,
          decided_at=timezone.now(), note=note)  # fmt: skip
    data = {"domain": locked.domain}
    record(AuditTag.DOMAIN_DECLINED, actor=by, subject=f"domain:{locked.pk}", data=data)
    return locked


@transaction.atomic
def withdraw_domain(entry: AuthorisedDomain, *, by: User, note: str) -> AuthorisedDomain:
    """End an authorisation early. Raises as `decline_domain`."""
    note = require_text(note, field="note", message="Say why.")
    return _withdraw(_lock(entry, by=by), by=by, note=note)


@transaction.atomic
def withdraw_by_official(request: VouchRequest) -> AuthorisedDomain:
    """The same, by the official who gave it. Raises `LostRace` if there is none."""
    entry = AuthorisedDomain.objects.select_for_update().filter(request=request).first()
    if entry is None:
        raise LostRace("Nothing was changed. There is no authorisation to withdraw.")
    if entry.state == DomainState.PROPOSED:
        _move(entry, DomainState.PROPOSED, DomainState.WITHDRAWN, withdrawn_at=timezone.now())
        record(AuditTag.DOMAIN_WITHDRAWN, actor=None, subject=f"domain:{entry.pk}",
               data={"domain": entry.domain, "by": "official"})  # fmt: skip
        return entry
    return _withdraw(entry, by=None, note="")


def _withdraw(entry: AuthorisedDomain, *, by: User | None, note: str) -> AuthorisedDomain:
    _move(entry, DomainState.CONFIRMED, DomainState.WITHDRAWN, withdrawn_by=by,
          withdrawn_at=timezone.now(), note=note)  # fmt: skip
    data = {"domain": entry.domain, "by": "reviewer" if by else "official"}
    record(AuditTag.DOMAIN_WITHDRAWN, actor=by, subject=f"domain:{entry.pk}", data=data)
    return entry


def _lock(entry: AuthorisedDomain, *, by: User) -> AuthorisedDomain:
    require_reviewer(by)
    locked = AuthorisedDomain.objects.select_for_update().get(pk=entry.pk)
    if locked.request.email and locked.request.email == by.email:
        raise DomainError(
            RefusalCode.OWN_ADDRESS, "You gave it yourself. Another reviewer decides."
        )
    require_outsider(locked.request.application.applicant_id, by=by)
    return locked


def _move(entry: AuthorisedDomain, old: DomainState, new: DomainState, **changes: object) -> None:
    if entry.state != old:
        now = DomainState(entry.state).label.lower()
        raise LostRace(f"Nothing was changed. {entry.domain} is now: {now}.")
    entry.state = new
    for name, value in changes.items():
        setattr(entry, name, value)
    entry.save()
