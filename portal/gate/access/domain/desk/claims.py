"""Which reviewer has an application: claims for a day, hand-overs, absence."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import check_application, move_application
from portal.gate.access.domain.workflow.separation import (
    require_free_claim,
    require_fresh_eyes,
    require_reviewer,
)
from portal.gate.access.enums import REVIEW_STATES, Command, Role
from portal.gate.access.models import Absence, Application, Step
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.fingerprints import require_unchanged
from portal.platform.core.refusals import RefusalCode

LEASE = timedelta(hours=24)


@transaction.atomic
def claim_application(application: Application, *, by: User, seen: int | None = None) -> Step:
    """Claim an application for a day, or renew the claim.

    Raises `DomainError`: `claimed_by_other`, `decided_before` (an appeal), `absent`,
    `reviewers_only`, `own_application`; `LostRace`.
    """
    check_application(application, Command.CLAIM, by=by, role=Role.REVIEWER, seen=seen)
    now = timezone.now()
    require_free_claim(application, by=by, at=now)
    require_fresh_eyes(application, by=by)
    if is_absent(by, at=now):
        raise DomainError(RefusalCode.ABSENT, "You are out of office. End your absence first.")
    return move_application(
        application,
        Command.CLAIM,
        by=by,
        role=Role.REVIEWER,
        seen=seen,
        claimed_by=by,
        claim_ends_at=now + LEASE,
    )


@transaction.atomic
def release_application(application: Application, *, by: User, seen: int | None = None) -> Step:
    """Release an application; raises `DomainError` (`not_claimed`) unless `by` holds it."""
    check_application(application, Command.RELEASE, by=by, role=Role.REVIEWER, seen=seen)
    _require_own_claim(application, by=by)
    return move_application(
        application,
        Command.RELEASE,
        by=by,
        role=Role.REVIEWER,
        seen=seen,
        claimed_by=None,
        claim_ends_at=None,
    )


@transaction.atomic
def hand_over_application(
    application: Application, *, by: User, to: User, note: str = "", seen: int | None = None
) -> Step:
    """Hand over an application that `by` holds to another reviewer, for a day from now.

    Raises `DomainError`: `not_claimed`, `not_for_them` (not a reviewer, the applicant, absent,
    or the one who refused what is now appealed); `LostRace`.
    """
    check_application(application, Command.HAND_OVER, by=by, role=Role.REVIEWER, seen=seen)
    _require_own_claim(application, by=by)
    _require_may_receive(application, to=to, giver=by)
    text = f"To {to.name}. {note.strip()}".strip()
    return move_application(
        application,
        Command.HAND_OVER,
        by=by,
        role=Role.REVIEWER,
        note=text,
        seen=seen,
        data={"receiver": to.pk},
        claimed_by=to,
        claim_ends_at=timezone.now() + LEASE,
    )


@transaction.atomic
def announce_absence(
    reviewer: User, *, until: datetime, deputy: User | None, seen: str | None = None
) -> list[Application]:
    """Be out of office until a moment: every claim moves to the deputy, or is released.

    Return the applications that moved. `seen` is the fingerprint of `terms_of` the absence as it
    was read. Raises `DomainError`: `reviewers_only`, `end_not_in_future`, `not_for_them` when the
    deputy cannot stand in; `SavedMeanwhile`.
    """
    require_reviewer(reviewer)
    now = timezone.now()
    if until <= now:
        raise DomainError(
            RefusalCode.END_NOT_IN_FUTURE, "The day must be in the future.", field="until"
        )
    if deputy is not None and not _can_work(deputy, at=now, besides=reviewer):
        raise DomainError(
            RefusalCode.NOT_FOR_THEM, f"{deputy.name} cannot stand in for you now.", field="deputy"
        )
    before = Absence.objects.select_for_update().filter(reviewer=reviewer).first()
    now_is = f"you are out of office until {before.until:%-d %B %Y}" if before else "you are back"
    require_unchanged(seen, terms_of(before), now_is=now_is)
    Absence.objects.update_or_create(reviewer=reviewer, defaults={"until": until, "deputy": deputy})
    moved = list(held_claims(reviewer, at=now))
    for application in moved:
        _move_claim(application, by=reviewer, to=deputy)
    record(
        AuditTag.ABSENCE_CHANGED,
        actor=reviewer,
        subject=f"user:{reviewer.pk}",
        data={"until": until.isoformat(), "deputy": deputy.pk if deputy else None},
    )
    return moved


def terms_of(absence: Absence | None) -> list[object]:
    """The terms of an absence, for its fingerprint."""
    return [absence.until.isoformat(), absence.deputy_id] if absence else []


@transaction.atomic
def end_absence(reviewer: User) -> None:
    """Be back; applications that were handed over are not returned."""
    gone, _ = Absence.objects.filter(reviewer=reviewer).delete()
    if gone:
        record(
            AuditTag.ABSENCE_CHANGED,
            actor=reviewer,
            subject=f"user:{reviewer.pk}",
            data={"until": None},
        )


def is_absent(reviewer: User, *, at: datetime) -> bool:
    return Absence.objects.filter(reviewer=reviewer, until__gt=at).exists()


def held_claims(reviewer: User, *, at: datetime) -> QuerySet[Application]:
    """The applications that a reviewer has claimed."""
    return Application.objects.filter(
        claimed_by=reviewer, claim_ends_at__gt=at, state__in=REVIEW_STATES
    ).select_related("applicant", "claimed_by")


def possible_receivers(application: Application, *, giver: User, at: datetime) -> QuerySet[User]:
    """The reviewers to whom an application can be handed over, by name."""
    absent = Absence.objects.filter(until__gt=at).values("reviewer")
    return (
        User.objects.filter(is_reviewer=True, is_active=True)
        .exclude(pk__in=[giver.pk, application.applicant_id])
        .exclude(pk__in=absent)
        .order_by("name", "pk")
    )


def _move_claim(application: Application, *, by: User, to: User | None) -> None:
    if to is not None and to.pk != application.applicant_id:
        try:
            with transaction.atomic():
                hand_over_application(application, by=by, to=to, note="Out of office.")
        except LostRace:
            raise
        except DomainError:
            release_application(application, by=by)
        return
    release_application(application, by=by)


def _require_own_claim(application: Application, *, by: User) -> None:
    claimant = application.claimant_at(timezone.now())
    if claimant is None or claimant.pk != by.pk:
        raise DomainError(RefusalCode.NOT_CLAIMED, "You do not hold this application now.")


def _require_may_receive(application: Application, *, to: User, giver: User) -> None:
    if to.pk == application.applicant_id or not _can_work(to, at=timezone.now(), besides=giver):
        raise DomainError(
            RefusalCode.NOT_FOR_THEM, f"{to.name} cannot take this application now.", field="to"
        )
    try:
        require_fresh_eyes(application, by=to)
    except DomainError as error:
        raise DomainError(
            RefusalCode.NOT_FOR_THEM,
            f"{to.name} decided on this before it was appealed.",
            field="to",
        ) from error


def _can_work(reviewer: User, *, at: datetime, besides: User) -> bool:
    return (
        reviewer.is_reviewer
        and reviewer.is_active
        and reviewer.pk != besides.pk
        and not is_absent(reviewer, at=at)
    )
