"""What is left to a person, as the headers that the field's clients know."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from portal.accounts.models import User
from portal.catalog.models import HostedModel
from portal.jobs.enums import ACTIVE_STATES, Origin
from portal.jobs.models import GenerationJob
from portal.usage.domain.quota import tokens_left


def describe_limits(user: User, *, model: HostedModel) -> dict[str, str]:
    """Tokens of the last 24 hours, and runs under way at a time; more of those wait their turn."""
    under_way = GenerationJob.objects.filter(
        user=user, model=model, origin=Origin.API, state__in=ACTIVE_STATES
    ).count()
    left = tokens_left(user, at=timezone.now())
    return {
        "x-ratelimit-limit-tokens": str(settings.DAILY_TOKEN_QUOTA),
        "x-ratelimit-remaining-tokens": str(left),
        "x-ratelimit-limit-requests": str(settings.API_JOBS_PER_USER),
        "x-ratelimit-remaining-requests": str(max(0, settings.API_JOBS_PER_USER - under_way)),
    }
