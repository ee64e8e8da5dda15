"""A person's usage and remaining quota as data, for their page and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from portal.gate.access.domain.rights.limits import limited_grants
from portal.gate.access.models import Grant
from portal.lab.jobs.enums import ACTIVE_STATES, Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.quota.domain.ledger import WINDOW, find_quota
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class ModelUsage:
    """The person's use of one model in the last 24 hours; tokens of ended runs."""

    model: str
    name: str
    runs: int
    under_way: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class OwnLimits:
    """A grant's limits on its model, if they differ from the site's."""

    model: str
    name: str
    quota: int | None
    used: int
    left: int | None
    parallel_jobs: int | None


@dataclass(frozen=True)
class UsageReport:
    """The quota of the last 24 hours, in tokens, and the runs under way through the API.

    `used` includes tokens reserved for runs under way. The window slides: tokens come back one
    run at a time, the first at `first_back_at`, and the whole quota is available at `resets_at`;
    both are None if nothing is used.
    """

    quota: int
    used: int
    left: int
    first_back_at: datetime | None
    resets_at: datetime | None
    parallel_jobs: int
    under_way: int
    models: tuple[ModelUsage, ...]
    own_limits: tuple[OwnLimits, ...] = ()
    """Models whose tokens are not counted above, or with their own limit of runs."""


def report_usage(user: User, *, at: datetime) -> UsageReport:
    """A person's usage at a moment; four queries, and two for each grant with its own quota."""
    quota = find_quota(user, at=at)
    models, through_api = _by_model(user, at=at)
    return UsageReport(
        quota=quota.tokens,
        used=quota.spent.tokens,
        left=quota.left,
        first_back_at=quota.spent.first_back_at,
        resets_at=quota.spent.all_back_at,
        parallel_jobs=settings.API_JOBS_PER_USER,
        under_way=through_api,
        models=models,
        own_limits=tuple(_describe_limits(grant, at=at) for grant in limited_grants(user, at=at)),
    )


def _describe_limits(grant: Grant, *, at: datetime) -> OwnLimits:
    quota = None
    if grant.daily_tokens is not None:
        quota = find_quota(grant.user, model=grant.model, at=at)
    return OwnLimits(
        model=grant.model.slug,
        name=grant.model.name,
        quota=quota.tokens if quota else None,
        used=quota.spent.tokens if quota else 0,
        left=quota.left if quota else None,
        parallel_jobs=grant.parallel_jobs,
    )


def _by_model(user: User, *, at: datetime) -> tuple[tuple[ModelUsage, ...], int]:
    """Each model of the last 24 hours or under way, and all runs under way through the API."""
    is_active = Q(state__in=ACTIVE_STATES)
    rows = (
        GenerationJob.objects.filter(Q(created_at__gt=at - WINDOW) | is_active, user=user)
        .values("model__slug", "model__name")
        .annotate(
            runs=Count("pk"),
            under_way=Count("pk", filter=is_active),
            through_api=Count("pk", filter=is_active & Q(origin=Origin.API)),
            prompt=Coalesce(Sum("prompt_tokens"), 0),
            completion=Coalesce(Sum("completion_tokens"), 0),
        )
        .order_by("model__slug")
    )
    found = list(rows)
    models = tuple(
        ModelUsage(
            model=row["model__slug"],
            name=row["model__name"],
            runs=row["runs"],
            under_way=row["under_way"],
            prompt_tokens=row["prompt"],
            completion_tokens=row["completion"],
        )
        for row in found
    )
    return models, sum(row["through_api"] for row in found)
