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

from portal.access.domain.limits import daily_quotas
from portal.access.enums import Code
from portal.accounts.models import User
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from portal.usage.models import Reservation

WINDOW = timedelta(hours=24)
_PERSON_LOCK = 7_235_002
"""First key of the advisory locks on persons; the second is the person's id."""


def lock_person(user: User) -> None:
    """Let one person's acceptances happen one after another, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_PERSON_LOCK, user.pk])


def reserve_tokens(
    user: User, *, job: UUID, tokens: int, model: HostedModel | None = None
) -> Reservation:
    """Set `tokens` aside for a job, inside the caller's transaction and under `lock_person`.

    Raises `DomainError` with code `quota_exceeded` when less than that is left of the
    quota of the last 24 hours. Two reservations of one person never pass together.
    """
    require_tokens(user, tokens=tokens, model=model)
    return Reservation.objects.create(
        job=job, user=user, model=model, reserved_tokens=tokens, made_at=timezone.now()
    )


def reserve_for_all(
    user: User, *, tokens: Mapping[UUID, int], model: HostedModel | None = None
) -> None:
    """The same for many jobs at once, and takes the person's lock: all of them, or none."""
    lock_person(user)
    require_tokens(user, tokens=sum(tokens.values()), model=model)
    now = timezone.now()
    Reservation.objects.bulk_create(
        Reservation(job=job, user=user, model=model, reserved_tokens=count, made_at=now)
        for job, count in tokens.items()
    )


def require_tokens(user: User, *, tokens: int, model: HostedModel | None = None) -> None:
    """Raise `quota_exceeded` when less than that is left; call it under the person's lock."""
    quota = find_quota(user, model=model, at=timezone.now())
    if tokens > quota.left:
        raise DomainError(
            Code.QUOTA_EXCEEDED,
            f"This may need {tokens:,} tokens and {quota.left:,} are left of today's "
            f"{quota.tokens:,}. Lower max tokens, or wait: the quota counts the last 24 hours.",
            field="max_tokens",
        )


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
    own = daily_quotas(user, at=at)
    if model is not None and model.pk in own:
        return Quota(own[model.pk], _sum_up(user, at=at, only=model.pk))
    return Quota(settings.DAILY_TOKEN_QUOTA, _sum_up(user, at=at, but=own.keys()))


def tokens_left(user: User, *, at: datetime, model: HostedModel | None = None) -> int:
    """What is left of the quota of the 24 hours before `at`; never negative."""
    return find_quota(user, model=model, at=at).left


# Written out: the ORM takes longer to put this together than the database to answer it.
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
