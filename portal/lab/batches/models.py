"""Files of requests and results, and the batches between them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.lab.batches.enums import (
    ACTIVE_STATUSES,
    FINAL_STATUSES,
    BatchStatus,
    FilePurpose,
    RowState,
)
from portal.lab.jobs.models import Call


class StoredFile(models.Model):
    """One person's file. Its content is in chunks in the database, which every host can read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="files"
    )
    purpose = models.CharField(max_length=16, choices=FilePurpose.choices)
    filename = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="In bytes.")
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["user", "-created_at"],
                condition=models.Q(erased_at__isnull=True),
                name="file_kept",
            )
        ]

    def __str__(self) -> str:
        return self.filename


class FileChunk(models.Model):
    """A piece of a file's content; the pieces in order are the whole content."""

    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="one_chunk_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.number}"


class Batch(models.Model):
    """Many requests that run when there is room. Its status changes only in `domain.status`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="batches"
    )
    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="batches")
    model = models.ForeignKey(
        HostedModel, on_delete=models.PROTECT, null=True, related_name="batches"
    )
    model_name = models.CharField(max_length=255, blank=True, help_text="As the requests spell it.")
    endpoint = models.CharField(max_length=64)
    completion_window = models.CharField(max_length=8)
    metadata = models.JSONField(null=True)
    status = models.CharField(
        max_length=16, choices=BatchStatus.choices, default=BatchStatus.VALIDATING
    )
    closes_as = models.CharField(
        max_length=16,
        choices=BatchStatus.choices,
        blank=True,
        help_text="The status after its last runs have ended.",
    )
    errors = models.JSONField(default=list, help_text="Code, line, message and param each.")
    paused_code = models.CharField(max_length=32, blank=True)
    paused_until = models.DateTimeField(null=True)
    input_file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="batches")
    output_file = models.OneToOneField(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    error_file = models.OneToOneField(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    in_progress_at = models.DateTimeField(null=True)
    finalizing_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    expired_at = models.DateTimeField(null=True)
    cancelling_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "batches"
        indexes = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=ACTIVE_STATUSES),
                name="batch_active",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="batch_status_known",
                condition=models.Q(status__in=[*ACTIVE_STATUSES, *FINAL_STATUSES]),
            ),
            models.CheckConstraint(
                name="batch_closing_says_how",
                condition=~models.Q(status=BatchStatus.FINALIZING) | ~models.Q(closes_as=""),
            ),
            models.CheckConstraint(
                name="batch_files_when_final",
                condition=models.Q(status__in=FINAL_STATUSES)
                | models.Q(output_file__isnull=True, error_file__isnull=True),
            ),
            *(
                models.CheckConstraint(
                    name=f"batch_{status}_has_time",
                    condition=~models.Q(status=status) | models.Q((f"{status}_at__isnull", False)),
                )
                for status in BatchStatus.values
                if status != BatchStatus.VALIDATING
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class BatchRow(models.Model):
    """One request of a batch. `body` and `result` are empty once the batch's files are written."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField(help_text="Line number in the input file, from 1.")
    custom_id = models.CharField(max_length=255)
    state = models.CharField(max_length=16, choices=RowState.choices, default=RowState.WAITING)
    call = models.OneToOneField(Call, on_delete=models.PROTECT, null=True, related_name="batch_row")
    body = models.TextField(blank=True, help_text="JSON, as requested.")
    result = models.TextField(blank=True, help_text="Its line in the output or error file.")

    class Meta:
        ordering = ["line"]
        indexes = [
            models.Index(
                fields=["batch", "state", "line"],
                name="row_by_state",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["batch", "line"], name="one_row_per_line"),
            models.UniqueConstraint(fields=["batch", "custom_id"], name="one_row_per_custom_id"),
            models.CheckConstraint(
                name="row_submitted_has_call",
                condition=~models.Q(state=RowState.SUBMITTED) | models.Q(call__isnull=False),
            ),
            models.CheckConstraint(
                name="row_waiting_has_no_call",
                condition=~models.Q(state=RowState.WAITING) | models.Q(call__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}:{self.line}"
