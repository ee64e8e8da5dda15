"""What reviewers decided."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.gate.access.enums import (
    Capability,
    ReasonCode,
)
from portal.gate.access.models.applications import Application, Step
from portal.gate.catalog.models import HostedModel


class Ruling(models.Model):
    """What a reviewer decided in one step, and until when it can be taken back.

    `waited` is the time from the submission to this answer. `made_grants` are the ids of the
    grants it gave, `moved_grants` pairs of id and earlier state of those it moved, so that
    taking it back can undo both.
    """

    step = models.OneToOneField(
        Step, on_delete=models.PROTECT, primary_key=True, related_name="ruling"
    )
    reason_code = models.CharField(max_length=32, choices=ReasonCode.choices, blank=True)
    field_notes = models.JSONField(default=dict, blank=True)
    made_grants = models.JSONField(default=list, blank=True)
    moved_grants = models.JSONField(default=list, blank=True)
    waited = models.DurationField()
    made_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["made_at"])]

    def __str__(self) -> str:
        return str(self.step)

    def is_told(self, *, at: datetime) -> bool:
        """Whether the applicant has been notified of it."""
        return self.taken_back_at is None and at >= self.effective_at


class Override(models.Model):
    """Why a reviewer approved an application in spite of its flags."""

    step = models.OneToOneField(
        Step, on_delete=models.PROTECT, primary_key=True, related_name="override"
    )
    codes = ArrayField(models.CharField(max_length=32))
    list_version = models.CharField(
        max_length=32, blank=True, help_text="Version of the country list."
    )
    reason = models.TextField()

    def __str__(self) -> str:
        return f"{self.step}: {', '.join(self.codes)}"


class Endorsement(models.Model):
    """A first reviewer's approval of one submission, where the tier requires two.

    It covers the text submitted at `submitted_at`: a returned and changed application
    needs a new one.
    """

    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="endorsements"
    )
    submitted_at = models.DateTimeField()
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    models_endorsed = models.ManyToManyField(HostedModel, related_name="+")
    capabilities = ArrayField(models.CharField(max_length=16, choices=Capability.choices))
    ends_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "submitted_at", "reviewer"],
                name="one_endorsement_per_reviewer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application} endorsed by {self.reviewer}"
