"""The energy that serving has used, kept after the workers have ended."""

from __future__ import annotations

from django.db import models


class EnergyReading(models.Model):
    """One worker's joules since its start, from its last heartbeat.

    A worker's name is never used again, so the sum over all rows is the energy so far.
    """

    worker = models.CharField(max_length=200, unique=True)
    deployment = models.CharField(max_length=64, db_index=True)
    source = models.CharField(max_length=16, help_text="contract.EnergySource.")
    joules = models.FloatField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="energy_not_negative", condition=models.Q(joules__gte=0.0))
        ]

    def __str__(self) -> str:
        return self.worker
