"""Making ordered deliveries to endpoints from events that are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from celery import current_app
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from portal.gate.access.domain.workflow.separation import domain_of
from portal.gate.access.models import Application
from portal.gate.webhooks.domain.tasks import SEND_TASK
from portal.gate.webhooks.enums import UNDONE
from portal.gate.webhooks.models import Delivery, Endpoint, Event
from portal.platform.core.each import do_each

BATCH: Final = 500


def dispatch_due() -> None:
    """Fan out due events, then start a task for every endpoint whose next delivery is due."""
    now = timezone.now()
    fan_out_due(at=now)
    for endpoint_id in find_ready(at=now):
        current_app.send_task(SEND_TASK, args=[endpoint_id])


def fan_out_due(*, at: datetime) -> int:
    """Make the deliveries of events that are due, in the order of the events; return the
    number of events. Concurrent calls run one after the other.
    """
    with transaction.atomic():
        endpoints = list(
            Endpoint.objects.select_for_update().filter(disabled_at=None).order_by("pk")
        )
        events = list(
            Event.objects.select_for_update(of=("self",))
            .select_related("application")
            .filter(fanned_out_at=None, due_at__lte=at)
            .order_by("due_at", "id")[:BATCH]
        )
        judged = do_each(
            events, lambda event: (event, _find_takers(event, endpoints)), doing="fan_out_event"
        )
        for endpoint in endpoints:
            _place(endpoint, [event for event, takers in judged if endpoint in takers], at=at)
        done = [event.pk for event, _ in judged]
        Event.objects.filter(pk__in=done).update(fanned_out_at=at)
    return len(done)


def repeat(delivery: Delivery) -> Delivery:
    """Send the event of a delivery again, under its id, after all waiting deliveries."""
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update().get(pk=delivery.endpoint_id)
        (again,) = _place(endpoint, [delivery.event], at=timezone.now(), is_repeat=True)
    return again


def find_ready(*, at: datetime) -> list[int]:
    """Endpoints whose first undone delivery is due."""
    heads = (
        Delivery.objects.filter(state__in=UNDONE, endpoint__disabled_at=None)
        .order_by()
        .values("endpoint")
        .annotate(first=Min("sequence"))
        .values_list("endpoint", "first")
    )
    wanted = Q(pk__in=[])
    for endpoint_id, sequence in heads:
        wanted |= Q(endpoint=endpoint_id, sequence=sequence)
    due = Delivery.objects.filter(wanted, due_at__lte=at)
    return sorted(due.values_list("endpoint_id", flat=True))


def _place(
    endpoint: Endpoint, events: Sequence[Event], *, at: datetime, is_repeat: bool = False
) -> list[Delivery]:
    """In the caller's transaction, with the endpoint locked."""
    first = endpoint.next_sequence
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            endpoint=endpoint, event=event, sequence=first + place, due_at=at, is_repeat=is_repeat
        )
        for place, event in enumerate(events)
    )
    endpoint.next_sequence = first + len(deliveries)
    endpoint.save(update_fields=["next_sequence"])
    return deliveries


@transaction.atomic
def _find_takers(event: Event, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    return [endpoint for endpoint in endpoints if _wants(endpoint, event)]


def _wants(endpoint: Endpoint, event: Event) -> bool:
    if event.endpoint_id is not None:
        return event.endpoint_id == endpoint.pk
    if event.type not in endpoint.events or event.created_at < endpoint.created_at:
        return False
    return not endpoint.domain or _is_of_domain(event.application, endpoint.domain)


def _is_of_domain(application: Application | None, domain: str) -> bool:
    """Whether the address that was frozen at the submission is of the domain or below it."""
    host = domain_of(application.applicant_email) if application else ""
    return host == domain or host.endswith(f".{domain}")
