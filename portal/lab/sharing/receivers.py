"""How links react to the erasure of runs."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.dispatch import receiver

from portal.lab.jobs.signals import jobs_erased
from portal.lab.sharing.domain.links import delete_links


@receiver(jobs_erased, dispatch_uid="sharing.end_links")
def end_links(*, ids: Sequence[UUID], **_: object) -> None:
    delete_links(ids)
