"""Endpoints and deliveries as operators see them."""

from __future__ import annotations

from django.db.models import Count, Max, Q, QuerySet

from portal.gate.webhooks.enums import UNDONE, DeliveryState
from portal.gate.webhooks.models import Delivery, Endpoint


def list_endpoints() -> QuerySet[Endpoint]:
    """All endpoints, enabled ones first, each with `waiting`, `given_up` and `last_accepted_at`."""
    return Endpoint.objects.annotate(
        waiting=Count("deliveries", filter=Q(deliveries__state__in=UNDONE)),
        given_up=Count("deliveries", filter=Q(deliveries__state=DeliveryState.GIVEN_UP)),
        last_accepted_at=Max(
            "deliveries__last_tried_at", filter=Q(deliveries__state=DeliveryState.DELIVERED)
        ),
    ).order_by("disabled_at", "name", "pk")


def find_deliveries(endpoint: Endpoint) -> QuerySet[Delivery]:
    """The log, newest first."""
    return endpoint.deliveries.select_related("event__application").order_by("-sequence")
