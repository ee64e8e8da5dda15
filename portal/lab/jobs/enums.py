"""The states of a generation job, and the table of its transitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models


class JobState(models.TextChoices):
    """The state of a job."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Finished"
    CANCELLED = "cancelled", "Stopped"
    FAILED = "failed", "Failed"


class Origin(models.TextChoices):
    """Where a job was submitted."""

    PLAYGROUND = "playground", "Playground"
    API = "api", "API"


class JobClass(models.TextChoices):
    """Who waits for a run: a person at the page, a program, or nobody."""

    INTERACTIVE = "interactive", "Interactive"
    API = "api", "API"
    BATCH = "batch", "Batch"


CLASS_OF_ORIGIN: Final = {Origin.PLAYGROUND: JobClass.INTERACTIVE, Origin.API: JobClass.API}
ENGINE_PRIORITIES: Final = {JobClass.INTERACTIVE: 0, JobClass.API: 10, JobClass.BATCH: 20}
"""As in vLLM: lower numbers are served first."""

ACTIVE_STATES: Final = (JobState.QUEUED, JobState.RUNNING)
FINAL_STATES: Final = (JobState.SUCCEEDED, JobState.CANCELLED, JobState.FAILED)

TRANSITIONS: Final[Mapping[JobState, frozenset[JobState]]] = {
    JobState.QUEUED: frozenset(
        {JobState.RUNNING, JobState.SUCCEEDED, JobState.CANCELLED, JobState.FAILED}
    ),
    # Back to the queue when its worker was lost.
    JobState.RUNNING: frozenset(
        {JobState.QUEUED, JobState.SUCCEEDED, JobState.CANCELLED, JobState.FAILED}
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.CANCELLED: frozenset(),
    JobState.FAILED: frozenset(),
}
