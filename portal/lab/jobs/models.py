"""Calls and generation jobs: the record, independent of the broker."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.lab.jobs.enums import ACTIVE_STATES, FINAL_STATES, JobClass, JobState, Origin

LARGE_FIELDS = (
    "prompt",
    "prompt_token_ids",
    "text",
    "token_ids",
    "logprobs",
    "prompt_logprobs",
)
"""A job's fields that queries for states do not load."""


class Call(models.Model):
    """One request to the API. Its runs are numbered: prompts in order, samples of each in order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calls"
    )
    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="calls")
    endpoint = models.CharField(max_length=64)
    request = models.JSONField(default=dict, help_text="As requested, without the prompts.")
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of the request, to recognise a repetition."
    )
    idempotency_key = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "fingerprint", "-created_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="one_call_per_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class GenerationJob(models.Model):
    """One run of one prompt. State changes only in `jobs.domain.lifecycle`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    model = models.ForeignKey(HostedModel, on_delete=models.PROTECT, related_name="jobs")
    call = models.ForeignKey(Call, on_delete=models.PROTECT, null=True, related_name="jobs")
    call_index = models.PositiveIntegerField(default=0)
    deployment = models.SlugField()
    origin = models.CharField(max_length=16, choices=Origin.choices)
    job_class = models.CharField(
        max_length=16, choices=JobClass.choices, default=JobClass.INTERACTIVE
    )
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    prompt = models.TextField(blank=True)
    prompt_token_ids = ArrayField(
        models.PositiveIntegerField(),
        default=list,
        blank=True,
        help_text="The exact prompt: as requested, or as the engine read the text.",
    )
    positions = ArrayField(
        models.PositiveIntegerField(),
        default=list,
        blank=True,
        help_text="Positions whose whole distributions are requested instead of a completion.",
    )
    params = models.JSONField(help_text="contract.SamplingParams, as requested.")
    text = models.TextField(blank=True)
    token_ids = ArrayField(models.PositiveIntegerField(), default=list, blank=True)
    logprobs = models.JSONField(null=True, help_text="contract.TokenLogprobs of each token.")
    prompt_logprobs = models.JSONField(
        null=True, help_text="The same for the prompt; left out if it is too large for a row."
    )
    provenance = models.JSONField(null=True, help_text="contract.Provenance")
    finish_reason = models.CharField(max_length=16, blank=True)
    failure_code = models.CharField(max_length=32, blank=True)
    failure_detail = models.CharField(
        max_length=300, blank=True, help_text="For operators; never shown to the researcher."
    )
    cancel_reason = models.CharField(max_length=16, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    first_token_ms = models.PositiveIntegerField(null=True)
    freed_ms = models.PositiveIntegerField(null=True)
    worker = models.CharField(max_length=128, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    sent_at = models.DateTimeField(
        null=True, help_text="When its message was sent to the workers; empty while held back."
    )
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(
        null=True, help_text="When the reaper first found neither a lease nor a queued message."
    )
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(
                fields=["deployment", "created_at"],
                condition=models.Q(state__in=ACTIVE_STATES),
                name="job_active",
            ),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(finished_at__isnull=False),
                name="job_finished",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="job_finished_at_when_final",
                condition=(
                    models.Q(state__in=FINAL_STATES, finished_at__isnull=False)
                    | models.Q(state__in=ACTIVE_STATES, finished_at__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="job_failed_names_code",
                condition=~models.Q(state=JobState.FAILED) | ~models.Q(failure_code=""),
            ),
            models.CheckConstraint(
                name="job_erased_is_empty",
                condition=models.Q(erased_at__isnull=True) | models.Q(prompt="", text=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES
