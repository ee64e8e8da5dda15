"""Erases prompts after the stated time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from portal.lab.jobs.domain.erasure import QUOTING_PARAMS, without_quoting_params
from portal.lab.jobs.domain.stopping import erase_jobs
from portal.lab.jobs.enums import ACTIVE_STATES, FINAL_STATES
from portal.lab.jobs.models import Call, GenerationJob

BATCH: Final = 10_000
"""The most rows of each kind in one round; the rest is left to the next round."""


def erase_old_prompts(*, limit: int = BATCH) -> int:
    """Erase prompts older than PROMPT_RETENTION_DAYS; return the number of jobs.

    The texts in a run's parameters and in its request are erased too.
    """
    before = timezone.now() - timedelta(days=settings.PROMPT_RETENTION_DAYS)
    old = GenerationJob.objects.filter(
        state__in=FINAL_STATES, erased_at__isnull=True, created_at__lt=before
    )
    oldest = list(old.order_by("created_at").values_list("pk", flat=True)[:limit])
    erased = erase_jobs(GenerationJob.objects.filter(pk__in=oldest), actor=None)
    _erase_quotes(before, limit=limit)
    return erased


def _erase_quotes(before: datetime, *, limit: int) -> None:
    quoting = GenerationJob.objects.filter(
        erased_at__isnull=False, created_at__lt=before, params__has_any_keys=QUOTING_PARAMS
    )
    runs = list(quoting.values_list("pk", flat=True)[:limit])
    GenerationJob.objects.filter(pk__in=runs).update(params=without_quoting_params())
    telling = (
        Call.objects.filter(created_at__lt=before)
        .exclude(request={}, idempotency_key="")
        .exclude(jobs__state__in=ACTIVE_STATES)
    )
    calls = list(telling.values_list("pk", flat=True)[:limit])
    Call.objects.filter(pk__in=calls).update(request={}, idempotency_key="")
