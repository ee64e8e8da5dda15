"""Endpoints, events, and the delivery of events to endpoints."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.gate.access.models import Application
from portal.gate.webhooks.enums import UNDONE, DeliveryState, EventType


class Endpoint(models.Model):
    """The URL of an institution's program, and the events that it wants.

    The secret itself is not stored: it is derived from SECRET_KEY and `secret_seed`.
    """

    name = models.CharField(max_length=100)
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=32, choices=EventType.choices))
    domain = models.CharField(
        max_length=253, blank=True, help_text="Only applicants with addresses in this domain."
    )
    secret_seed = models.CharField(max_length=32)
    old_secret_seed = models.CharField(max_length=32, blank=True)
    old_secret_until = models.DateTimeField(null=True)
    next_sequence = models.PositiveBigIntegerField(default=1)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                name="endpoint_hears_something", condition=models.Q(events__len__gt=0)
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None


class Event(models.Model):
    """Something that happened, written in its own transaction; sent from `due_at` on.

    `data` holds ids, case number, states and models, and nothing about a person. A test is
    for one `endpoint` only.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    type = models.CharField(max_length=32, choices=EventType.choices)
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, related_name="+"
    )
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, null=True, related_name="+")
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    fanned_out_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="event_not_fanned_out",
                condition=models.Q(fanned_out_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class Delivery(models.Model):
    """One event on its way to one endpoint, in the endpoint's order of `sequence`."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    sequence = models.PositiveBigIntegerField()
    is_repeat = models.BooleanField(default=False, help_text="Sent again by an operator.")
    state = models.CharField(
        max_length=16, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="Not tried before this moment.")
    first_tried_at = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status, if any.")
    last_error = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-sequence"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "sequence"], name="one_delivery_per_place")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "sequence"],
                name="delivery_undone",
                condition=models.Q(state__in=UNDONE),
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint}"
