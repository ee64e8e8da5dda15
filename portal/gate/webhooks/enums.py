"""Closed lists of the webhooks capability."""

from __future__ import annotations

from django.db import models


class EventType(models.TextChoices):
    """The events that an endpoint can get; never renamed once released."""

    APPLICATION_SUBMITTED = "application.submitted", "An application was submitted"
    APPLICATION_RETURNED = "application.returned", "An application was returned for changes"
    APPLICATION_APPROVED = "application.approved", "An application was approved"
    APPLICATION_REFUSED = "application.refused", "An application was refused"
    APPLICATION_WITHDRAWN = "application.withdrawn", "An application was withdrawn"
    APPLICATION_APPEALED = "application.appealed", "A refusal was appealed"
    APPLICATION_REOPENED = "application.reopened", "An application was reopened"
    GRANT_MADE = "grant.made", "Access was given"
    GRANT_SUSPENDED = "grant.suspended", "Access was suspended"
    GRANT_RESUMED = "grant.resumed", "Access was resumed"
    GRANT_REVOKED = "grant.revoked", "Access was revoked"
    GRANT_REPLACED = "grant.replaced", "Access was replaced by a newer grant"
    GRANT_EXTENDED = "grant.extended", "Access was extended"
    GRANT_EXPIRED = "grant.expired", "Access expired"
    GRANT_GIVEN_BACK = "grant.given_back", "Access was given back"
    PING = "ping", "A test"


CHOSEN_EVENTS = [choice for choice in EventType.choices if choice[0] != EventType.PING]
"""The events that an operator chooses from; a test is sent whatever was chosen."""


class DeliveryState(models.TextChoices):
    """The state of an event's delivery to one endpoint."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    DELIVERED = "delivered", "Accepted"
    GIVEN_UP = "given_up", "Given up"


UNDONE = (DeliveryState.WAITING, DeliveryState.SENDING)
