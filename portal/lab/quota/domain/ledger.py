"""The daily token quota: reserved when a job is accepted, settled when it ends."""

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
    """Lock the persons until the transaction ends, so that acceptances happen one after another."""
    with connection.cursor() as cursor:
        # In the same order for all callers, to avoid deadlocks.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, person)"
            " FROM (SELECT unnest(%s::int[]) AS person ORDER BY 1) AS persons",
            [_PERSON_LOCK, list(users)],
        )


@dataclass(frozen=True)
class Spent:
    """The tokens that count at a moment: those used, and those reserved for runs under way.

    `first_back_at` is when the oldest of them stop counting, `all_back_at` when the last do; both
    are None if nothing counts.
    """

    tokens: int
    first_back_at: datetime | None
    all_back_at: datetime | None


@dataclass(frozen=True)
class Quota:
    """Tokens of 24 hours, and the part that was spent."""

    tokens: int
    spent: Spent

    @property
    def left(self) -> int:
        return max(0, self.tokens - self.spent.tokens)


class Ledger:
    """People's quotas and spent tokens; `open_ledger` reads them."""

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
        """The quota that runs on the model count against; without a model, the site's.

        A grant with its own quota counts the runs on its model; the site's quota counts the runs
        on all other models.
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
        """Reserve the tokens that each job may need, for all jobs or for none.

        Raises `DomainError` with code `quota_exceeded` if the quota of the last 24 hours has fewer
        left.
        """
        wanted, quota = sum(tokens.values()), self.quota(user.pk, model=model.pk)
        if wanted > quota.left:
            raise DomainError(
                RefusalCode.QUOTA_EXCEEDED,
                f"This may need {wanted:,} tokens; {quota.left:,} of your {quota.tokens:,} are "
                "left. Lower max tokens, or wait: the quota counts the last 24 hours.",
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
        """Store the new reservations, in the transaction that the ledger was opened in."""
        Reservation.objects.bulk_create(self._reservations)


# Written in SQL: the ORM takes longer to build this query than the database to run it.
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
    """Read these people's quotas and spent tokens, in two queries.

    To reserve tokens, call it under `lock_persons`, so that no two reservations of a person use
    the same tokens.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, {"users": list(users), "since": at - WINDOW})
        spent = {
            (user, model): Spent(int(tokens), oldest + WINDOW, newest + WINDOW)
            for user, model, tokens, oldest, newest in cursor.fetchall()
        }
    return Ledger(quotas=daily_quotas(users, at=at), spent=spent, at=at)


def find_quota(user: User, *, model: HostedModel | None = None, at: datetime) -> Quota:
    """The quota that the person's runs on the model count against; without a model, the site's."""
    return open_ledger([user.pk], at=at).quota(user.pk, model=model.pk if model else None)


def tokens_left(user: User, *, at: datetime, model: HostedModel | None = None) -> int:
    """The tokens left of the quota of the 24 hours before `at`; never negative."""
    return find_quota(user, model=model, at=at).left


# One statement for all jobs; the ORM can only set the same value for many rows.
_SETTLE: Final = """
UPDATE usage_reservation AS reservation
SET used_tokens = settled.tokens, settled_at = %(at)s
FROM unnest(%(jobs)s::uuid[], %(tokens)s::int[]) AS settled (job, tokens)
WHERE reservation.job = settled.job AND reservation.settled_at IS NULL
"""


def settle_tokens(used: Mapping[UUID, int]) -> None:
    """Record the tokens that each job used, and free the rest. Safe to call twice."""
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
