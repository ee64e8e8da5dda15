"""Personal keys, and requests of programs for one. Only hashes of secrets are stored."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.enums import LoginState


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


class DeviceLogin(models.Model):
    """A program that asks a person, by a short code, for a key; kept until the code expires."""

    device_digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the program's own code."
    )
    user_code = models.CharField(
        max_length=8, unique=True, help_text="What the person types; it gives the program nothing."
    )
    state = models.CharField(max_length=16, choices=LoginState.choices, default=LoginState.PENDING)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="Who has answered.",
    )
    address = models.GenericIPAddressField(null=True, help_text="From where it was asked.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    polled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="login_has_answer_and_person",
                condition=models.Q(state=LoginState.PENDING, user=None)
                | models.Q(~models.Q(state=LoginState.PENDING), user__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} login of {self.created_at:%Y-%m-%d %H:%M}"
