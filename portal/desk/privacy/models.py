"""Requests of people about their own data."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.desk.privacy.enums import PENDING_STATES, ErasureState


class ErasureRequest(models.Model):
    """A person's request for erasure.

    It is carried out at `due_at` and can be taken back before that. `state` changes only by
    compare-and-set in `privacy.domain`. At `lease_ends_at`, another worker may continue what a
    dead worker has begun. The row remains after the erasure; it contains no name.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="erasure_requests"
    )
    state = models.CharField(max_length=16, choices=ErasureState.choices, default=ErasureState.OPEN)
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_ends_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(state__in=PENDING_STATES),
                name="one_open_erasure_per_person",
            ),
            models.CheckConstraint(
                name="erasure_ended_at_when_ended",
                condition=models.Q(state__in=PENDING_STATES, ended_at__isnull=True)
                | (~models.Q(state__in=PENDING_STATES) & models.Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="erasure_lease_when_begun",
                condition=~models.Q(state=ErasureState.BEGUN)
                | models.Q(lease_ends_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="erasure_pending",
                condition=models.Q(state__in=PENDING_STATES),
            )
        ]

    def __str__(self) -> str:
        return f"erasure of person-{self.person_id}"
