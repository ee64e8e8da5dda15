"""The states of a batch and of its rows, and the table of a batch's transitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models


class FilePurpose(models.TextChoices):
    """The purpose of a file."""

    BATCH = "batch", "Requests of a batch"
    BATCH_OUTPUT = "batch_output", "Results of a batch"


class BatchStatus(models.TextChoices):
    """The status of a batch, in the terms of OpenAI's clients."""

    VALIDATING = "validating", "Being checked"
    FAILED = "failed", "Failed"
    IN_PROGRESS = "in_progress", "Running"
    FINALIZING = "finalizing", "Writing its files"
    COMPLETED = "completed", "Completed"
    EXPIRED = "expired", "Expired"
    CANCELLING = "cancelling", "Being stopped"
    CANCELLED = "cancelled", "Stopped"


class RowState(models.TextChoices):
    """The state of one request of a batch."""

    WAITING = "waiting", "Waiting"
    SUBMITTED = "submitted", "Submitted"
    SUCCEEDED = "succeeded", "Answered"
    FAILED = "failed", "Refused or failed"


ACTIVE_STATUSES: Final = (
    BatchStatus.VALIDATING,
    BatchStatus.IN_PROGRESS,
    BatchStatus.FINALIZING,
    BatchStatus.CANCELLING,
)
FINAL_STATUSES: Final = (
    BatchStatus.FAILED,
    BatchStatus.COMPLETED,
    BatchStatus.EXPIRED,
    BatchStatus.CANCELLED,
)
TRANSITIONS: Final[Mapping[BatchStatus, frozenset[BatchStatus]]] = {
    BatchStatus.VALIDATING: frozenset(
        {BatchStatus.IN_PROGRESS, BatchStatus.FAILED, BatchStatus.CANCELLING}
    ),
    BatchStatus.IN_PROGRESS: frozenset({BatchStatus.FINALIZING, BatchStatus.CANCELLING}),
    # `closes_as` says which of these it becomes.
    BatchStatus.FINALIZING: frozenset(
        {BatchStatus.COMPLETED, BatchStatus.EXPIRED, BatchStatus.FAILED}
    ),
    BatchStatus.CANCELLING: frozenset({BatchStatus.CANCELLED}),
    BatchStatus.FAILED: frozenset(),
    BatchStatus.COMPLETED: frozenset(),
    BatchStatus.EXPIRED: frozenset(),
    BatchStatus.CANCELLED: frozenset(),
}
