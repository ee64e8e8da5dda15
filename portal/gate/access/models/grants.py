"""A right with an end."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.gate.access.enums import (
    HELD_STATES,
    Capability,
    GrantState,
)
from portal.gate.access.models.applications import Application
from portal.gate.catalog.models import HostedModel


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants by their state."""

    def begun(self, *, at: datetime) -> GrantQuerySet:
        """Grants that have begun; one that was taken back with its decision never did."""
        return self.filter(starts_at__lte=at).exclude(state=GrantState.VOID)

    def in_force(self, *, at: datetime) -> GrantQuerySet:
        """Grants that have begun, have not ended, and were not taken away."""
        return self.filter(state=GrantState.ACTIVE, starts_at__lte=at, ends_at__gt=at)


class Grant(models.Model):
    """A right to use one model in certain ways until a moment.

    A grant with a `lead` allows no more than the lead's own grant for the model.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="grants"
    )
    model = models.ForeignKey(HostedModel, on_delete=models.PROTECT, related_name="grants")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="grants")
    lead = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The team lead whose grant for the model this one follows, if any.",
    )
    capabilities = ArrayField(models.CharField(max_length=16, choices=Capability.choices))
    state = models.CharField(max_length=16, choices=GrantState.choices, default=GrantState.ACTIVE)
    revision = models.PositiveIntegerField(default=0, help_text="Counts its moves.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField(blank=True, help_text="Why it was suspended or revoked.")
    daily_tokens = models.PositiveIntegerField(
        null=True, help_text="Tokens in 24 hours; empty for the site's quota."
    )
    parallel_jobs = models.PositiveIntegerField(
        null=True, help_text="API runs in progress at a time; empty for the site's number."
    )

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="grant_ends_after_start", condition=models.Q(ends_at__gt=models.F("starts_at"))
            ),
            models.UniqueConstraint(
                fields=["user", "model"],
                condition=models.Q(state__in=HELD_STATES),
                name="one_held_grant_per_person_and_model",
            ),
            models.CheckConstraint(
                name="grant_follows_somebody_else", condition=~models.Q(lead=models.F("user"))
            ),
            models.CheckConstraint(
                name="grant_names_capabilities", condition=models.Q(capabilities__len__gt=0)
            ),
            models.CheckConstraint(
                name="grant_allows_something",
                condition=~models.Q(daily_tokens=0) & ~models.Q(parallel_jobs=0),
            ),
        ]
        indexes = [models.Index(fields=["user", "model", "state", "ends_at"])]

    def __str__(self) -> str:
        return f"{self.user} {self.model} until {self.ends_at:%Y-%m-%d}"

    @property
    def capability_names(self) -> list[str]:
        return [str(Capability(use).label) for use in self.capabilities]
