"""The end of a grant: warnings before it, the end itself, and what follows.

Each function handles a bounded number of rows and may run any number of times, even in two
processes at the same time: each `EndNotice` is made once, and its mail with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.fields import DurationField

from portal.gate.access.domain.rights.grants import announce_end
from portal.gate.access.enums import HELD_STATES, GrantState, Role
from portal.gate.access.models import Grant
from portal.gate.access.signals import grant_expired
from portal.gate.renewals.domain.commands import move_renewal
from portal.gate.renewals.domain.handing_in import open_renewal
from portal.gate.renewals.domain.mail import mail_holder, renew_link, statement_link, status_link
from portal.gate.renewals.domain.statements import owed_grants, request_owed_statements
from portal.gate.renewals.domain.window import closes_at, renewable_grants
from portal.gate.renewals.enums import RenewalCommand, RenewalState
from portal.gate.renewals.models import EndNotice, Renewal
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.each import do_each
from portal.platform.core.errors import LostRace

WARN_DAYS: Final = (30, 7, 1)
"""Days before an end at which its holder is warned."""
BATCH: Final = 500


def watch_ends(*, at: datetime) -> dict[str, int]:
    """Warn of ends, announce ends that have come, ask for owed statements; return the number
    of each.
    """
    steps: dict[str, Callable[..., int]] = {
        "warned": warn_of_ends,
        "ended": note_ends,
        "lapsed": lapse_late,
        "asked": partial(request_owed_statements, limit=BATCH),
    }
    counts = do_each(steps, lambda name: (name, steps[name](at=at)), doing="watch_ends")
    return {**dict.fromkeys(steps, 0), **dict(counts)}


def warn_of_ends(*, at: datetime) -> int:
    """Send each person one mail for grants that end together, at 30, 7 and 1 days; return
    the number of mails.

    Missed warnings are not sent later: with five days left, only the 7-day warning is sent. A
    grant of 30 days or less gets no 30-day warning.
    """
    told = 0
    for days, later in zip(WARN_DAYS, (*WARN_DAYS[1:], 0), strict=True):
        due = _unwarned(days, at=at).filter(
            ends_at__lte=at + timedelta(days=days), ends_at__gt=at + timedelta(days=later)
        )
        groups = _by_person_and_end(due[:BATCH])
        warn = partial(_warn, days=days, at=at)
        told += sum(do_each(groups, warn, doing="warn_of_end"))
    return told


def note_ends(*, at: datetime) -> int:
    """Record and announce, once, that grants have ended; stop their jobs."""
    ended = Grant.objects.filter(state__in=HELD_STATES, ends_at__lte=at, starts_at__lte=at)
    due = ended.exclude(_notified_of(days=0)).select_related("user", "model")
    groups = list(_by_person_and_end(due.order_by("user", "ends_at", "pk")[:BATCH]))
    return sum(do_each(groups, partial(_note_end, at=at), doing="note_end"))


def lapse_late(*, at: datetime) -> int:
    """Close returned renewals whose grants ended so long ago that none can be renewed."""
    in_time = Grant.objects.filter(
        renewals=OuterRef("pk"),
        state=GrantState.ACTIVE,
        ends_at__gt=at - timedelta(days=settings.RENEWAL_LATE_DAYS),
    )
    late = Renewal.objects.filter(~Exists(in_time), state=RenewalState.RETURNED)
    oldest = late.select_related("holder").order_by("pk")[:BATCH]
    return sum(do_each(oldest, _lapse, doing="lapse_renewal"))


def _unwarned(days: int, *, at: datetime) -> QuerySet[Grant]:
    length = ExpressionWrapper(F("ends_at") - F("starts_at"), output_field=DurationField())
    return (
        Grant.objects.filter(state=GrantState.ACTIVE, starts_at__lte=at, user__is_active=True)
        .alias(length=length)
        .filter(length__gt=timedelta(days=days))
        .exclude(_notified_of(days=days))
        .select_related("user", "model")
        .order_by("user", "ends_at", "pk")
    )


def _notified_of(*, days: int) -> Q:
    """Whether the holder was notified of this end, `days` days before it or later."""
    told = EndNotice.objects.filter(
        grant=OuterRef("pk"), ends_at=OuterRef("ends_at"), days_left__lte=days
    )
    return Q(Exists(told))


def _by_person_and_end(grants: Iterable[Grant]) -> Iterable[list[Grant]]:
    for _, together in groupby(grants, key=lambda grant: (grant.user_id, grant.ends_at)):
        yield list(together)


@transaction.atomic
def _warn(grants: Sequence[Grant], *, days: int, at: datetime) -> int:
    fresh = _mark(grants, days=days, at=at)
    if not fresh:
        return 0
    holder = fresh[0].user
    left = fresh[0].ends_at - at
    when = "within a day" if days == 1 else f"in {-(-left // timedelta(days=1))} days"
    can_renew = renewable_grants(holder, at=at).filter(pk__in=[grant.pk for grant in fresh])
    values = {
        "ends_at": fresh[0].ends_at,
        "renewal": open_renewal(holder),
        "when": when,
        "can_renew": can_renew.exists(),
    }
    mail_holder("ends_soon", fresh, link=renew_link(), when=when, values=values)
    return 1


@transaction.atomic
def _note_end(grants: Sequence[Grant], *, at: datetime) -> int:
    fresh = _mark(grants, days=0, at=at)
    if not fresh:
        return 0
    owed = set(owed_grants(at=at).filter(pk__in=[g.pk for g in fresh]).values_list("pk", flat=True))
    for grant in fresh:
        grant_expired.send(sender=Grant, grant=grant)
        record(
            AuditTag.GRANT_EXPIRED,
            actor=None,
            subject=f"grant:{grant.pk}",
            data={"ends_at": grant.ends_at.isoformat()},
        )
        announce_end(grant)
    if not fresh[0].user.is_active:
        return len(fresh)
    values = {
        "ends_at": fresh[0].ends_at,
        "closes_at": closes_at(fresh[0]),
        "renewal": open_renewal(fresh[0].user),
        "can_renew": any(grant.state == GrantState.ACTIVE for grant in fresh)
        and at < closes_at(fresh[0]),
        "owed": [(grant, statement_link(grant)) for grant in fresh if grant.pk in owed],
    }
    mail_holder("ended", fresh, link=status_link(), values=values)
    return len(fresh)


def _mark(grants: Sequence[Grant], *, days: int, at: datetime) -> list[Grant]:
    """The grants that still have this end and that no other process is announcing."""
    # The lock keeps a renewal from moving the end between this look and the mail.
    same = {
        grant.pk
        for grant in Grant.objects.select_for_update(of=("self",)).filter(
            pk__in=[grant.pk for grant in grants], ends_at=grants[0].ends_at, state__in=HELD_STATES
        )
    }
    fresh = []
    for grant in grants:
        if grant.pk not in same:
            continue
        _, is_new = EndNotice.objects.get_or_create(
            grant=grant, ends_at=grant.ends_at, days_left=days, defaults={"at": at}
        )
        if is_new:
            fresh.append(grant)
    return fresh


@transaction.atomic
def _lapse(renewal: Renewal) -> int:
    try:
        with transaction.atomic():
            move_renewal(renewal, RenewalCommand.LAPSE, by=None, role=Role.SYSTEM)
    except LostRace:
        return 0
    return 1
