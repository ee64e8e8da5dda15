"""The daily token quota: reserve when a job is accepted, settle when it ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from portal.gate.access.domain.rights.limits import daily_quotas
from portal.gate.catalog.models import HostedModel
from portal.lab.quota.models import Reservation
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

WINDOW = timedelta(hours=24)
_PERSON_LOCK = 7_235_002
"""First key of the advisory locks on persons; the second is the person's id."""


def lock_persons(users: Collection[int]) -> None:
    """Let each person's acceptances happen one after another, until the transaction ends."""
    with connection.cursor() as cursor:
        # In one order for all, or two groups could wait for each other.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, person)"
            " FROM (SELECT unnest(%s::int[]) AS person ORDER BY 1) AS persons",
            [_PERSON_LOCK, list(users)],
        )


@dataclass(frozen=True)
class Spent:
    """What the quota counts at a moment: tokens used, and those set aside for runs under way.

    `first_back_at` is when the oldest of them stop counting, `all_back_at` when all have;
    both are None where nothing counts.
    """

    tokens: int
    first_back_at: datetime | None
    all_back_at: datetime | None


@dataclass(frozen=True)
class Quota:
    """Tokens of 24 hours, and what was spent of them."""

    tokens: int
    spent: Spent

    @property
    def left(self) -> int:
        return max(0, self.tokens - self.spent.tokens)


class Ledger:
    """What people may spend and have spent; `open_ledger` reads it."""

    def __init__(
        self,
        *,
        quotas: Mapping[int, Mapping[int, int]],
        spent: Mapping[tuple[int, int | None], Spent],
        at: datetime,
    ) -> None:
        self._quotas = quotas
        self._spent = dict(spent)
        self._at = at
        self._reservations: list[Reservation] = []

    def quota(self, user: int, *, model: int | None) -> Quota:
        """The quota that runs on a model count against; without one, the site's.

        A grant with a quota of its own counts its own model's runs, and the site's quota counts
        those on all other models.
        """
        own = self._quotas.get(user, {})
        if model is not None and model in own:
            counted = [self._spent[user, model]] if (user, model) in self._spent else []
            return Quota(own[model], _add_up(counted))
        return Quota(
            settings.DAILY_TOKEN_QUOTA,
            _add_up(
                spent
                for (person, place), spent in self._spent.items()
                if person == user and place not in own
            ),
        )

    def take(self, user: User, *, model: HostedModel, tokens: Mapping[UUID, int]) -> None:
        """Set aside what each job may need: for all of them, or for none.

        Raises `DomainError` with code `quota_exceeded` when less than that is left of the quota
        of the last 24 hours.
        """
        wanted, quota = sum(tokens.values()), self.quota(user.pk, model=model.pk)
        if wanted > quota.left:
            raise DomainError(
                RefusalCode.QUOTA_EXCEEDED,
                f"This may need {wanted:,} tokens and {quota.left:,} are left of today's "
                f"{quota.tokens:,}. Lower max tokens, or wait: the quota counts the last 24 hours.",
                field="max_tokens",
            )
        place, back_at = (user.pk, model.pk), self._at + WINDOW
        before = [self._spent[place]] if place in self._spent else []
        self._spent[place] = _add_up([*before, Spent(wanted, back_at, back_at)])
        self._reservations += [
            Reservation(job=job, user=user, model=model, reserved_tokens=count, made_at=self._at)
            for job, count in tokens.items()
        ]

    def write(self) -> None:
        """Keep what was taken, inside the transaction that the ledger was opened in."""
        Reservation.objects.bulk_create(self._reservations)


# Written out: the ORM takes longer to put this together than the database to answer it.
_SPENT: Final = """
SELECT user_id, model_id, sum(tokens), min(made_at), max(made_at)
FROM (
    SELECT user_id, model_id, coalesce(used_tokens, reserved_tokens) AS tokens, made_at
    FROM usage_reservation
    WHERE user_id = ANY (%(users)s) AND made_at > %(since)s
) AS counted
WHERE tokens > 0
GROUP BY user_id, model_id
"""


def open_ledger(users: Collection[int], *, at: datetime) -> Ledger:
    """What these people have spent and may spend, in two queries.

    To take from it, call it under `lock_persons`: then two reservations of one person never
    pass together.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, {"users": list(users), "since": at - WINDOW})
        spent = {
            (user, model): Spent(int(tokens), oldest + WINDOW, newest + WINDOW)
            for user, model, tokens, oldest, newest in cursor.fetchall()
        }
    return Ledger(quotas=daily_quotas(users, at=at), spent=spent, at=at)


def find_quota(user: User, *, model: HostedModel | None = None, at: datetime) -> Quota:
    """The quota that a person's runs on a model count against; without one, the site's."""
    return open_ledger([user.pk], at=at).quota(user.pk, model=model.pk if model else None)


def tokens_left(user: User, *, at: datetime, model: HostedModel | None = None) -> int:
    """What is left of the quota of the 24 hours before `at`; never negative."""
    return find_quota(user, model=model, at=at).left


# One statement for all; the ORM can set only the same value for many rows.
_SETTLE: Final = """
UPDATE usage_reservation AS reservation
SET used_tokens = settled.tokens, settled_at = %(at)s
FROM unnest(%(jobs)s::uuid[], %(tokens)s::int[]) AS settled (job, tokens)
WHERE reservation.job = settled.job AND reservation.settled_at IS NULL
"""


def settle_tokens(used: Mapping[UUID, int]) -> None:
    """Record what each job really used and free the rest. Safe to call twice."""
    values: dict[str, Any] = {
        "at": timezone.now(),
        "jobs": list(used),
        "tokens": list(used.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, values)


def _add_up(parts: Iterable[Spent]) -> Spent:
    parts = list(parts)
    first = [part.first_back_at for part in parts if part.first_back_at]
    last = [part.all_back_at for part in parts if part.all_back_at]
    tokens = sum(part.tokens for part in parts)
    return Spent(tokens, min(first, default=None), max(last, default=None))
