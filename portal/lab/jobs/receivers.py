"""How jobs react to the end of access."""

from __future__ import annotations

from django.dispatch import receiver

from portal.gate.access.signals import access_ended
from portal.lab.jobs.domain.access import cancel_jobs_without_access


@receiver(access_ended, dispatch_uid="jobs.cancel_jobs_without_access")
def stop_jobs(*, user_id: int, model_id: int, **_: object) -> None:
    cancel_jobs_without_access(user_id=user_id, model_id=model_id)
