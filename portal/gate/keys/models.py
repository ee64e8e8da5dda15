"""Personal keys to the API. Only a hash of the secret is stored."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel


class ApiKey(models.Model):
    """One key of one person. It never gives more than the person's own access."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    lookup = models.CharField(
        max_length=16, unique=True, help_text="The part of the key that may be shown."
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the whole key.")
    scopes = ArrayField(models.CharField(max_length=16, choices=KeyScope.choices))
    allowed_models = models.ManyToManyField(
        HostedModel, blank=True, related_name="+", help_text="Empty for every model."
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    successor = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="predecessor"
    )

    model_ids: list[int] | None = None
    """The ids of `allowed_models`, if they were read with the key."""

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(name="key_has_scopes", condition=models.Q(scopes__len__gt=0))
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.lookup})"
