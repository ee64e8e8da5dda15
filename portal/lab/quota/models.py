"""Tokens reserved when a job is accepted and settled when it ends."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.gate.catalog.models import HostedModel


class Reservation(models.Model):
    """The tokens that one job may spend, later those that it spent.

    `job` is the job's id, not a foreign key: `usage` does not depend on `jobs`.
    """

    job = models.UUIDField(unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reservations"
    )
    model = models.ForeignKey(HostedModel, on_delete=models.PROTECT, null=True, related_name="+")
    reserved_tokens = models.PositiveIntegerField()
    used_tokens = models.PositiveIntegerField(null=True)
    made_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["user", "made_at"])]
        constraints = [
            models.CheckConstraint(
                name="reservation_settled_whole",
                condition=models.Q(used_tokens__isnull=True, settled_at__isnull=True)
                | models.Q(used_tokens__isnull=False, settled_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.job)
