"""A person's remaining limits, as the headers that OpenAI's clients read."""

from __future__ import annotations

import math

from django.conf import settings
from django.utils import timezone

from portal.gate.access.domain.rights.limits import parallel_limit_of
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.enums import ACTIVE_STATES, Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.quota.domain.ledger import find_quota
from portal.platform.accounts.models import User


def describe_limits(user: User, *, model: HostedModel) -> dict[str, str]:
    """Headers for the tokens of the last 24 hours, and for runs under way; further runs wait."""
    now = timezone.now()
    quota = find_quota(user, model=model, at=now)
    most = parallel_limit_of(user, model, at=now, default=settings.API_JOBS_PER_USER)
    under_way = GenerationJob.objects.filter(
        user=user, model=model, origin=Origin.API, state__in=ACTIVE_STATES
    ).count()
    back_at = quota.spent.first_back_at
    seconds = max(0, math.ceil((back_at - now).total_seconds())) if back_at else 0
    return {
        "x-ratelimit-reset-tokens": f"{seconds}s",
        "x-ratelimit-limit-tokens": str(quota.tokens),
        "x-ratelimit-remaining-tokens": str(quota.left),
        "x-ratelimit-limit-requests": str(most),
        "x-ratelimit-remaining-requests": str(max(0, most - under_way)),
    }
