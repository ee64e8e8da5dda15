"""How links react to the erasure of runs."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.dispatch import receiver

from portal.lab.jobs.signals import jobs_erased
from portal.lab.sharing.domain.links import delete_links


@receiver(jobs_erased, dispatch_uid="sharing.end_links")
def end_links(*, runs: Collection[UUID], **_: object) -> None:
    delete_links(runs)
