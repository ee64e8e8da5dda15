"""How much a grant lets its holder do: tokens a day, and runs at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.fingerprints import require_unchanged
from portal.platform.core.refusals import RefusalCode


@transaction.atomic
def set_limits(
    grant: Grant,
    *,
    by: User,
    daily_tokens: int | None,
    parallel_jobs: int | None,
    reason: str,
    seen: str | None = None,
) -> None:
    """Give the grant its own limits; None for the site's. Runs in progress continue.

    `seen` is the fingerprint of `limits_of` the grant as it was read. Raises `DomainError`:
    `own_grant`, `grant_not_held`, `reason_missing`; `SavedMeanwhile`.
    """
    if grant.user_id == by.pk:
        raise DomainError(RefusalCode.OWN_GRANT, "You cannot change the limits of your own access.")
    reason = require_text(reason, field="reason", message="Say why.")
    now = Grant.objects.select_for_update().get(pk=grant.pk)
    require_unchanged(seen, limits_of(now), now_is=_describe(now))
    changed = Grant.objects.filter(
        pk=grant.pk, state__in=[GrantState.ACTIVE, GrantState.SUSPENDED]
    ).update(daily_tokens=daily_tokens, parallel_jobs=parallel_jobs)
    if not changed:
        raise DomainError(
            RefusalCode.GRANT_NOT_HELD, "This access has ended; there is nothing to limit."
        )
    grant.refresh_from_db(fields=["daily_tokens", "parallel_jobs"])
    record(
        AuditTag.GRANT_LIMITED,
        actor=by,
        subject=f"grant:{grant.pk}",
        data={"daily_tokens": daily_tokens, "parallel_jobs": parallel_jobs},
    )


def limits_of(grant: Grant) -> list[int | None]:
    """Its own tokens a day and runs at a time; empty where it has neither."""
    own = [grant.daily_tokens, grant.parallel_jobs]
    return own if any(own) else []


def _describe(grant: Grant) -> str:
    tokens = f"{grant.daily_tokens:,} tokens" if grant.daily_tokens else "the site's tokens"
    runs = f"{grant.parallel_jobs} runs" if grant.parallel_jobs else "the site's number of runs"
    return f"it now allows {tokens} in 24 hours and {runs} at a time"


def daily_quotas(users: Collection[int], *, at: datetime) -> dict[int, dict[int, int]]:
    """Daily tokens by person and model, for grants with their own quota. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_DAILY_TOKENS, {"users": list(users), "at": at, "state": GrantState.ACTIVE})
        quotas: dict[int, dict[int, int]] = {}
        for user, model, tokens in cursor.fetchall():
            quotas.setdefault(user, {})[model] = tokens
    return quotas


def limited_grants(user: User, *, at: datetime) -> QuerySet[Grant]:
    """The person's grants with limits of their own."""
    own = Q(daily_tokens__isnull=False) | Q(parallel_jobs__isnull=False)
    return Grant.objects.in_force(at=at).filter(own, user=user).select_related("model", "user")


def parallel_limits(
    users: Iterable[int], *, deployment: str, at: datetime, default: int
) -> dict[int, int]:
    """The number of API runs that each person may have in progress on a deployment."""
    limits = dict.fromkeys(users, default)
    grants = Grant.objects.in_force(at=at).filter(
        user__in=limits, model__deployment=deployment, parallel_jobs__isnull=False
    )
    limits.update({grant.user_id: grant.parallel_jobs for grant in grants if grant.parallel_jobs})
    return limits


def parallel_limit_of(user: User, model: HostedModel, *, at: datetime, default: int) -> int:
    """The same for one person."""
    found = parallel_limits([user.pk], deployment=model.deployment, at=at, default=default)
    return found[user.pk]


# Written out: the ORM takes longer to put this together than the database to answer it.
_DAILY_TOKENS: Final = """
SELECT user_id, model_id, daily_tokens
FROM access_grant
WHERE user_id = ANY (%(users)s) AND daily_tokens > 0
    AND state = %(state)s AND starts_at <= %(at)s AND ends_at > %(at)s
"""
