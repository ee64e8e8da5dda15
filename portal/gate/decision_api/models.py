"""Decisions that programs requested, so that a repeated request decides nothing again."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.gate.access.models import Step


class DecisionRequest(models.Model):
    """A request of a reviewer's program under an idempotency key, and the step it made.

    The step is empty only inside the transaction that makes it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request.")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], name="one_decision_per_idempotency_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.idempotency_key}"
