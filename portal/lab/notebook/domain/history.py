"""A person's runs as they find them again: by their words, model, state, star and project."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from portal.lab.jobs.domain.history import runs_of
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.lab.notebook.models import Project
from portal.platform.accounts.models import User

EXCERPT = 160


@dataclass(frozen=True)
class RunFilter:
    """The runs that somebody looks for; an empty field excludes none."""

    words: str = ""
    """In the name, the prompt or the completion, whatever their case."""
    model: str = ""
    state: str = ""
    project: Project | None = None
    is_starred: bool = False

    def apply(self, runs: QuerySet[GenerationJob]) -> QuerySet[GenerationJob]:
        """The runs among `runs` that all fields allow."""
        if self.words:
            runs = runs.filter(
                Q(prompt__icontains=self.words)
                | Q(text__icontains=self.words)
                | Q(node__name__icontains=self.words)
            )
        if self.model:
            runs = runs.filter(model__slug=self.model)
        if self.state:
            runs = runs.filter(state=self.state)
        if self.project:
            runs = runs.filter(node__project=self.project)
        return runs.filter(node__is_starred=True) if self.is_starred else runs


def playground_runs(user: User, wanted: RunFilter) -> QuerySet[GenerationJob]:
    """The runs that the person made on the page, but for looks at a single distribution."""
    return wanted.apply(runs_of(user).filter(origin=Origin.PLAYGROUND, positions=[]))


def list_runs(user: User, wanted: RunFilter) -> QuerySet[GenerationJob]:
    """The same for a list: newest first, with `excerpt` instead of the whole texts."""
    return (
        playground_runs(user, wanted)
        .select_related("model", "node__project")
        .defer(*LARGE_FIELDS)
        .annotate(excerpt=Left("prompt", EXCERPT))
        .order_by("-created_at", "-id")
    )
