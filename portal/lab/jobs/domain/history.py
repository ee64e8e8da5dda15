"""A person's own runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.platform.accounts.models import User

EXCERPT = 160


@dataclass(frozen=True)
class RunFilter:
    """The runs that somebody looks for; an empty field excludes none."""

    words: str = ""
    """In the prompt or the completion, whatever their case."""
    model: str = ""
    state: str = ""

    def apply(self, runs: QuerySet[GenerationJob]) -> QuerySet[GenerationJob]:
        """The runs among `runs` that all fields allow."""
        if self.words:
            runs = runs.filter(Q(prompt__icontains=self.words) | Q(text__icontains=self.words))
        if self.model:
            runs = runs.filter(model__slug=self.model)
        return runs.filter(state=self.state) if self.state else runs


def runs_of(user: User) -> QuerySet[GenerationJob]:
    """The runs that a person may open: their own that were not erased."""
    return GenerationJob.objects.filter(user=user, erased_at__isnull=True)


def playground_runs(user: User, wanted: RunFilter) -> QuerySet[GenerationJob]:
    """The runs that the person made on the page."""
    return wanted.apply(runs_of(user).filter(origin=Origin.PLAYGROUND))


def list_runs(user: User, wanted: RunFilter) -> QuerySet[GenerationJob]:
    """The same for a list: newest first, with `excerpt` instead of the whole texts."""
    return (
        playground_runs(user, wanted)
        .select_related("model")
        .defer(*LARGE_FIELDS)
        .annotate(excerpt=Left("prompt", EXCERPT))
        .order_by("-created_at", "-id")
    )


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
