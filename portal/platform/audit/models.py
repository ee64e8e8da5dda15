"""The audit log: append-only at the database, hash-chained."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditEvent(models.Model):
    """One thing that happened. A trigger refuses update, delete and truncate.

    `hash` is the SHA-256 of the previous row's hash and this row's canonical JSON, so a
    changed or missing row breaks the chain; `manage.py verify_audit` names the place.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    tag = models.CharField(max_length=64)
    subject = models.CharField(max_length=128)
    data = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["subject", "id"])]

    def __str__(self) -> str:
        return f"{self.tag} {self.subject}"
