"""The mails about a material new version of a licence: at publication, and before its grace ends.

Each mail is one notice of the outbox, identified by its kind, its version and its recipient.
Nobody gets the same one twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from portal.gate.access.models import Grant
from portal.gate.licensing.domain.reconsent import changes_announced
from portal.gate.licensing.models import Licence, LicenceVersion, Signature
from portal.platform.accounts.models import User
from portal.platform.core.each import do_each
from portal.platform.notices.domain.outbox import post
from portal.platform.notices.models import Notice

DAYS_BEFORE: Final = (30, 7, 1)
"""When people are reminded of the end of the grace period, in days before it."""
LATE: Final = timedelta(days=7)
"""How long a version without a grace period is still announced."""
BATCH: Final = 100
"""People per transaction: nobody can sign meanwhile."""
RECONSENT_COMPOSER: Final = "access.reconsent"
ANNOUNCED: Final = "access.licence_changed"
REMINDED: Final = "access.licence_reminded"
ABOUT: Final = "licence-version:"
"""With a version's primary key: what these notices are about."""
KINDS: Final = (ANNOUNCED, *(f"access.licence_ends_{days}" for days in DAYS_BEFORE), REMINDED)


def announce_changes(*, at: datetime) -> int:
    """Post the mails that are due about every changed licence; return their number.

    May run any number of times, also concurrently.
    """
    since = changes_announced(at=at).select_related("licence").order_by("published_at", "pk")
    return sum(do_each(since.defer("text"), partial(_notify, at=at), doing="tell_of_change"))


def kind_before(days: int) -> str:
    """The kind of the mail `days` days before the end."""
    return f"access.licence_ends_{days}"


def subject_of(change: LicenceVersion) -> str:
    """The value of `about` in notices about a change."""
    return f"{ABOUT}{change.pk}"


@dataclass(frozen=True)
class _Call:
    """One mail that is due: its kind and its recipients."""

    kind: str
    people: QuerySet[User]


def _notify(change: LicenceVersion, *, at: datetime) -> int:
    return sum(_post_all(call, change) for call in _calls(change, at=at))


def _calls(change: LicenceVersion, *, at: datetime) -> list[_Call]:
    """The announcement, then the latest reminder that is due; earlier ones are skipped."""
    others = [
        other
        for other in changes_announced(at=at).filter(licence=change.licence_id).defer("text")
        if other.pk != change.pk
    ]
    calls = []
    if at < max(change.grace_ends_at, change.published_at + LATE):
        calls.append(_Call(ANNOUNCED, _people_to_announce_to(change, others, at=at)))
    if at < change.grace_ends_at and (days := _days_due(change, at=at)):
        people = _people_to_remind(change, others, moment=_moment(change, days))
        calls.append(_Call(kind_before(days), people))
    return calls


def _days_due(change: LicenceVersion, *, at: datetime) -> int | None:
    due = [days for days in DAYS_BEFORE if change.published_at < _moment(change, days) <= at]
    return min(due, default=None)


def _moment(change: LicenceVersion, days: int) -> datetime:
    return change.grace_ends_at - timedelta(days=days)


def _people_to_announce_to(
    change: LicenceVersion, others: Sequence[LicenceVersion], *, at: datetime
) -> QuerySet[User]:
    """People who signed an older version, and whose signature is still valid or who have access."""
    ended = [other.number for other in others if other.grace_ends_at <= at]
    floor = max((number for number in ended if number < change.number), default=1)
    grants = Grant.objects.in_force(at=at).filter(
        user=OuterRef("pk"), model__release__licence=change.licence_id
    )
    return _signers_of_older(change, floor=floor, or_else=Q(Exists(grants)))


def _people_to_remind(
    change: LicenceVersion, others: Sequence[LicenceVersion], *, moment: datetime
) -> QuerySet[User]:
    """People whom this change outdates first, and who got its announcement before the moment."""
    sooner = [other.number for other in others if other.grace_ends_at < change.grace_ends_at]
    told = _notices(change, ANNOUNCED).filter(created_at__lt=moment)
    signers = _signers_of_older(change, floor=max(sooner, default=1))
    return signers.filter(Exists(told))


def _signers_of_older(
    change: LicenceVersion, *, floor: int, or_else: Q | None = None
) -> QuerySet[User]:
    """People whose newest signature is on a version before the change, from `floor` on."""
    signed = Signature.objects.filter(user=OuterRef("pk"), version__licence=change.licence_id)
    newest = signed.order_by("-version__number").values("version__number")[:1]
    holds = Q(newest__gte=floor)
    return User.objects.alias(newest=Subquery(newest)).filter(
        holds if or_else is None else holds | or_else,
        is_active=True,
        newest__lt=change.number,
    )


def _notices(change: LicenceVersion, kind: str) -> QuerySet[Notice]:
    return Notice.objects.filter(recipient=OuterRef("pk"), kind=kind, about=subject_of(change))


def _post_all(call: _Call, change: LicenceVersion) -> int:
    waiting = call.people.filter(~Exists(_notices(change, call.kind))).order_by("pk")
    sent, last = 0, 0
    while people := _post_batch(call.kind, change, waiting.filter(pk__gt=last)):
        last = max(people)
        sent += sum(people.values())
    return sent


@transaction.atomic
def _post_batch(kind: str, change: LicenceVersion, waiting: QuerySet[User]) -> dict[int, bool]:
    """Post to the first of them, by id; return by id whether each mail could be posted."""
    # The lock that signing takes: a person who signs now got the mail before, or gets none.
    Licence.objects.select_for_update().get(pk=change.licence_id)
    people = list(waiting[:BATCH])

    @transaction.atomic
    def post_one(person: User) -> int:
        post_reconsent(person, kind=kind, change=change)
        return person.pk

    posted = do_each(people, post_one, doing="post_reconsent")
    return {person.pk: person.pk in posted for person in people}


def post_reconsent(person: User, *, kind: str, change: LicenceVersion) -> Notice:
    """Put one mail about a change into the outbox, in the caller's transaction."""
    return post(
        person,
        kind=kind,
        composer=RECONSENT_COMPOSER,
        about=subject_of(change),
        data={"version": change.pk},
    )
