"""How the notebook reacts to erased runs."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.dispatch import receiver

from portal.lab.jobs.signals import jobs_erased
from portal.lab.notebook.domain.erasure import forget_names


@receiver(jobs_erased, dispatch_uid="notebook.forget_names")
def forget(*, runs: Collection[UUID], **_: object) -> None:
    forget_names(runs)
