"""Sampling parameters under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.gate.teams.models import Team

NAME_LENGTH = 60


class Preset(models.Model):
    """One person's parameters, also their team's if they share them."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="presets"
    )
    name = models.CharField(max_length=NAME_LENGTH)
    params = models.JSONField(help_text="contract.SamplingParams")
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="presets"
    )
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="one_preset_per_name"),
            models.CheckConstraint(name="preset_named", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
