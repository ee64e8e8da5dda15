"""Erases what people wrote about their runs, at their request and after the stated time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value

from portal.lab.jobs.domain.stopping import erase_jobs
from portal.lab.jobs.enums import FINAL_STATES
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.models import Node, Project
from portal.platform.accounts.models import User

BATCH: Final = 10_000
"""The most runs in one round; the rest is left to the next round."""


def forget_names(runs: Collection[UUID]) -> None:
    """Erase the names of runs: a name may quote the run's text."""
    Node.objects.filter(job__in=runs).update(name="")


def erase_notebook(person: User) -> None:
    """Erase the person's imported documents, names and projects. Call it after `erase_runs`."""
    Node.objects.filter(user=person).delete()
    Project.objects.filter(user=person).delete()


def erase_by_project(*, at: datetime, limit: int = BATCH) -> int:
    """Erase the runs that are older than their project keeps them; return their number.

    Imported documents are erased after the same time, and without a project after the site's.
    """
    kept_for = ExpressionWrapper(
        F("project__retention_days") * Value(timedelta(days=1)), output_field=DurationField()
    )
    nodes = Node.objects.alias(kept_until=F("created_at") + kept_for)
    is_old = Q(kept_until__lt=at)
    old = nodes.filter(is_old, job__state__in=FINAL_STATES, job__erased_at=None)
    runs = list(old.order_by("created_at").values_list("job", flat=True)[:limit])
    erased = erase_jobs(GenerationJob.objects.filter(pk__in=runs), actor=None)
    is_old |= Q(created_at__lt=at - timedelta(days=settings.PROMPT_RETENTION_DAYS))
    imported = nodes.filter(is_old, job=None).exclude(text="", params=None, name="")
    imported.update(text="", params=None, name="")
    return erased
