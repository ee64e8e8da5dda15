"""What batches do when something happens below them."""

from __future__ import annotations

from django.dispatch import receiver

from portal.batches.domain.dispatch import send_advance
from portal.batches.models import BatchRow
from portal.jobs.enums import JobClass
from portal.jobs.models import GenerationJob
from portal.jobs.signals import job_ended


@receiver(job_ended, dispatch_uid="batches.go_on")
def go_on(*, job: GenerationJob, **_: object) -> None:
    """The run's batch has a result to take and room for another row."""
    if job.job_class != JobClass.BATCH or job.call_id is None:
        return
    batch_id = BatchRow.objects.filter(call_id=job.call_id).values_list("batch", flat=True).first()
    if batch_id is not None:
        send_advance(batch_id)
