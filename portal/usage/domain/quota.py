"""The daily token quota: reserve when a job is accepted, settle when it ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from portal.access.domain.rights.limits import daily_quotas
from portal.access.enums import Code
from portal.accounts.models import User
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from portal.usage.models import Reservation

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


class Ledger:
    """Tokens that are set aside for runs while these are accepted; open one by `open_ledger`."""

    def __init__(
        self,
        *,
        quotas: Mapping[int, Mapping[int, int]],
        counted: Mapping[tuple[int, int | None], int],
        at: datetime,
    ) -> None:
        self._quotas = quotas
        self._counted = dict(counted)
        self._at = at
        self._reservations: list[Reservation] = []

    def take(self, user: User, *, model: HostedModel, tokens: Mapping[UUID, int]) -> None:
        """Set aside what each job may need: for all of them, or for none.

        Raises `DomainError` with code `quota_exceeded` when less than that is left of the quota
        of the last 24 hours.
        """
        wanted, quota = sum(tokens.values()), self._quota(user.pk, model.pk)
        left = max(0, quota - self._spent(user.pk, model.pk))
        if wanted > left:
            raise DomainError(
                Code.QUOTA_EXCEEDED,
                f"This may need {wanted:,} tokens and {left:,} are left of today's {quota:,}. "
                "Lower max tokens, or wait: the quota counts the last 24 hours.",
                field="max_tokens",
            )
        place = (user.pk, model.pk)
        self._counted[place] = self._counted.get(place, 0) + wanted
        self._reservations += [
            Reservation(job=job, user=user, model=model, reserved_tokens=count, made_at=self._at)
            for job, count in tokens.items()
        ]

    def write(self) -> None:
        """Keep what was taken, inside the transaction that the ledger was opened in."""
        Reservation.objects.bulk_create(self._reservations)

    def _quota(self, user: int, model: int) -> int:
        return self._quotas.get(user, {}).get(model) or settings.DAILY_TOKEN_QUOTA

    def _spent(self, user: int, model: int) -> int:
        own = self._quotas.get(user, {})
        if model in own:
            return self._counted.get((user, model), 0)
        return sum(
            tokens
            for (person, place), tokens in self._counted.items()
            if person == user and place not in own
        )


def open_ledger(users: Collection[int], *, at: datetime) -> Ledger:
    """What these people have spent and may spend, in two queries.

    Call it under `lock_persons`: then two reservations of one person never pass together.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, {"users": list(users), "since": at - WINDOW})
        counted = {(user, model): int(tokens) for user, model, tokens in cursor.fetchall()}
    return Ledger(quotas=daily_quotas(users, at=at), counted=counted, at=at)


def settle_tokens(*, job: UUID, tokens: int) -> None:
    """Record what a job really used and free the rest. Safe to call twice."""
    Reservation.objects.filter(job=job, settled_at__isnull=True).update(
        used_tokens=tokens, settled_at=timezone.now()
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


def find_quota(user: User, *, model: HostedModel | None = None, at: datetime) -> Quota:
    """The quota that runs on a model count against; without one, the site's.

    A grant with a quota of its own counts its own model's runs, and the site's quota counts those
    on all other models. Two queries.
    """
    own = daily_quotas([user.pk], at=at).get(user.pk, {})
    if model is not None and model.pk in own:
        return Quota(own[model.pk], _sum_up(user, at=at, only=model.pk))
    return Quota(settings.DAILY_TOKEN_QUOTA, _sum_up(user, at=at, but=own.keys()))


def tokens_left(user: User, *, at: datetime, model: HostedModel | None = None) -> int:
    """What is left of the quota of the 24 hours before `at`; never negative."""
    return find_quota(user, model=model, at=at).left


# Written out: the ORM takes longer to put these together than the database to answer them.
_COUNTED: Final = """
SELECT user_id, model_id, sum(coalesce(used_tokens, reserved_tokens))
FROM usage_reservation
WHERE user_id = ANY (%(users)s) AND made_at > %(since)s
GROUP BY user_id, model_id
"""
_SPENT: Final = """
SELECT coalesce(sum(tokens), 0), min(made_at), max(made_at)
FROM (
    SELECT coalesce(used_tokens, reserved_tokens) AS tokens, made_at
    FROM usage_reservation
    WHERE user_id = %(user)s AND made_at > %(since)s
        AND (%(only)s::bigint IS NULL OR model_id = %(only)s)
        AND (model_id IS NULL OR model_id <> ALL (%(but)s::bigint[]))
) AS counted
WHERE tokens > 0
"""


def _sum_up(
    user: User, *, at: datetime, only: int | None = None, but: Collection[int] = ()
) -> Spent:
    """What runs count: of one model, or of all models but some."""
    values: dict[str, Any] = {"user": user.pk, "since": at - WINDOW, "only": only, "but": list(but)}
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, values)
        total, oldest, newest = cursor.fetchone()
    return Spent(
        tokens=int(total),
        first_back_at=oldest + WINDOW if oldest else None,
        all_back_at=newest + WINDOW if newest else None,
    )
