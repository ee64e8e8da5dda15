"""A person's own runs."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User


def runs_of(user: User) -> QuerySet[GenerationJob]:
    """The runs that a person may open: their own that were not erased."""
    return GenerationJob.objects.filter(user=user, erased_at__isnull=True)


def find_run(user: User, job_id: UUID) -> GenerationJob | None:
    """One run of the person with its model, or None."""
    return runs_of(user).select_related("model__release").filter(pk=job_id).first()


def find_stream(user: User, job_id: UUID) -> GenerationJob | None:
    """The same run for reading its events: without its model, prompt and text."""
    return next(iter(list_streams(user, [job_id])), None)


def list_streams(user: User, job_ids: Collection[UUID]) -> list[GenerationJob]:
    """Those of the runs that the person may open, for reading their events."""
    runs = runs_of(user).only("state", "deployment", "created_at", "params")
    return list(runs.filter(pk__in=job_ids))
