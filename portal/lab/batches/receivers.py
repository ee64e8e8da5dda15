"""How batches react to the end of runs."""

from __future__ import annotations

from collections.abc import Sequence

from django.dispatch import receiver

from portal.lab.batches.domain.dispatch import send_advance
from portal.lab.batches.models import BatchRow
from portal.lab.jobs.enums import JobClass
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.signals import jobs_ended


@receiver(jobs_ended, dispatch_uid="batches.go_on")
def go_on(*, jobs: Sequence[GenerationJob], **_: object) -> None:
    """Nudge the runs' batches: they have results to read and room for more rows."""
    calls = {job.call_id for job in jobs if job.job_class == JobClass.BATCH and job.call_id}
    if not calls:
        return
    rows = BatchRow.objects.filter(call__in=calls)
    for batch_id in rows.order_by("batch").values_list("batch", flat=True).distinct():
        send_advance(batch_id)
