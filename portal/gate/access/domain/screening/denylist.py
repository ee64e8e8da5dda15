"""The denylist: people, domains and institutions that are refused, why, and until when."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.domain.workflow.separation import domain_of, require_other, require_reviewer
from portal.gate.access.enums import DenialKind
from portal.gate.access.models import Application, Denial
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.names import fold_name
from portal.platform.core.refusals import RefusalCode


@transaction.atomic
def deny(
    *,
    kind: DenialKind,
    by: User,
    reason: str,
    ends_at: datetime,
    person: User | None = None,
    value: str = "",
) -> Denial:
    """Put a person, a domain or an institution on the list until a moment.

    Raises `DomainError`: `reviewers_only`, `text_missing`, `end_not_in_future`,
    `denied_already`, `own_person`.
    """
    require_reviewer(by)
    reason = require_text(reason, field="reason", message="Say why. The applicant will read it.")
    if ends_at <= timezone.now():
        raise DomainError(
            RefusalCode.END_NOT_IN_FUTURE, "The end date must be in the future.", field="ends_on"
        )
    if kind == DenialKind.PERSON:
        if person is None:
            raise DomainError(RefusalCode.TEXT_MISSING, "Name the person.", field="value")
        require_other(person.pk, by=by, what="person", field="value")
        value = ""
    else:
        person = None
        value = require_text(
            _normalise(kind, value), field="value", message="Name the domain or the institution."
        )
    same = in_force(at=timezone.now()).filter(kind=kind, person=person, value=value)
    if same.exists():
        raise DomainError(RefusalCode.DENIED_ALREADY, "This is already on the list.", field="value")
    denial = Denial.objects.create(
        kind=kind,
        person=person,
        value=value,
        reason=reason,
        made_by=by,
        made_at=timezone.now(),
        ends_at=ends_at,
    )
    record(
        AuditTag.DENIAL_MADE,
        actor=by,
        subject=f"denial:{denial.pk}",
        data={
            "kind": str(kind),
            "person": person.pk if person else None,
            "value": value,
            "ends_at": ends_at.isoformat(),
        },
    )
    return denial


@transaction.atomic
def appeal_denial(denial: Denial, *, by: User, text: str) -> None:
    """Appeal, once, against an entry about oneself; another reviewer reads it.

    Raises `DomainError`: `text_missing`, `not_your_denial`, `appealed_before`.
    """
    text = require_text(text, field="text", message="Say what is wrong with the entry.")
    if denial.kind != DenialKind.PERSON or denial.person_id != by.pk:
        raise DomainError(RefusalCode.NOT_YOUR_DENIAL, "This entry is not about you.")
    changed = in_force(at=timezone.now()).filter(pk=denial.pk, appealed_at=None)
    if changed.update(appeal=text[:5000], appealed_by=by, appealed_at=timezone.now()) != 1:
        raise DomainError(RefusalCode.APPEALED_BEFORE, "You have already appealed against this.")
    record(AuditTag.DENIAL_APPEALED, actor=by, subject=f"denial:{denial.pk}")


@transaction.atomic
def lift_denial(denial: Denial, *, by: User, note: str) -> None:
    """Take an entry off the list for a reason.

    After an appeal, only a reviewer who did not make the entry can lift it. Raises
    `DomainError`: `reviewers_only`, `text_missing`, `own_person`, `decided_before`; `LostRace`.
    """
    require_reviewer(by)
    note = require_text(note, field="note", message="Say why it is lifted.")
    require_other(denial.person_id, by=by, what="person")
    if denial.appealed_at and denial.made_by_id == by.pk:
        raise DomainError(
            RefusalCode.DECIDED_BEFORE,
            "It was appealed, and you made the entry. Another reviewer decides.",
        )
    lifted = Denial.objects.filter(pk=denial.pk, lifted_at=None).update(
        lifted_at=timezone.now(), lifted_by=by, lift_note=note
    )
    if lifted != 1:
        raise LostRace("Nothing was changed. This entry has already been lifted.")
    record(AuditTag.DENIAL_LIFTED, actor=by, subject=f"denial:{denial.pk}")


def in_force(*, at: datetime) -> QuerySet[Denial]:
    return Denial.objects.filter(made_at__lte=at, ends_at__gt=at, lifted_at=None)


def find_denials(application: Application, *, at: datetime) -> list[Denial]:
    """The entries in force that concern an application's person, address or institution."""
    domain = domain_of(application.applicant_email or application.applicant.email)
    parents = [domain[i:] for i in range(len(domain)) if i == 0 or domain[i - 1] == "."]
    concerns = (
        Q(kind=DenialKind.PERSON, person=application.applicant)
        | Q(kind=DenialKind.DOMAIN, value__in=parents)
        | Q(kind=DenialKind.ENTITY, value=normalise_name(application.affiliation))
    )
    return list(in_force(at=at).filter(concerns))


def require_not_denied(user: User, *, at: datetime, next_url: str = "") -> None:
    """Raise `DomainError` (`denied`) with the reason while the person is on the list.

    A listed domain or institution is not refused here: it is a fact for the reviewer.
    """
    denial = in_force(at=at).filter(kind=DenialKind.PERSON, person=user).first()
    if denial is not None:
        raise DomainError(
            RefusalCode.DENIED,
            f"You cannot apply until {denial.ends_at:%d %B %Y}. The reason: {denial.reason}",
            next_url=next_url or None,
        )


def require_may_be_approved(application: Application, *, at: datetime) -> None:
    """Raise `DomainError` (`denied`) naming the entry that must be lifted first."""
    denials = find_denials(application, at=at)
    if denials:
        raise DomainError(
            RefusalCode.DENIED,
            f"On the denylist until {denials[0].ends_at:%d %B %Y} ({denials[0]}): "
            f"{denials[0].reason} Lift the entry first, or reject.",
        )


def normalise_name(name: str) -> str:
    """An institution's name as an entry stores it."""
    return fold_name(name)[:200]


def _normalise(kind: DenialKind, value: str) -> str:
    if kind == DenialKind.DOMAIN:
        return domain_of(value.strip().strip("."))
    return normalise_name(value)
