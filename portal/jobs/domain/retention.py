"""Prompts are kept for a stated time."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from portal.jobs.domain.lifecycle import erase_job
from portal.jobs.enums import FINAL_STATES
from portal.jobs.models import LARGE_FIELDS, GenerationJob


def erase_old_prompts() -> int:
    """Erase what is older than PROMPT_RETENTION_DAYS; answers how many jobs that were."""
    before = timezone.now() - timedelta(days=settings.PROMPT_RETENTION_DAYS)
    old = GenerationJob.objects.filter(
        state__in=FINAL_STATES, erased_at__isnull=True, created_at__lt=before
    ).defer(*LARGE_FIELDS)
    return sum(erase_job(job, actor=None) for job in old.iterator(chunk_size=500))
