"""Sending to one endpoint, strictly in order, each delivery by one sender at a time.

A sender takes the first undone delivery by compare-and-set, posts outside any transaction, and
records the answer. Later deliveries wait until it is accepted or given up. A sender that dies
leaves its row in `sending`; after `LEASE` it may be taken again, so an endpoint can get an
event twice, under the same id.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.gate.webhooks.domain.endpoints import disable_failing
from portal.gate.webhooks.domain.posting import Answer, post
from portal.gate.webhooks.domain.signing import sign
from portal.gate.webhooks.enums import UNDONE, DeliveryState, EventType
from portal.gate.webhooks.models import Delivery, Event
from portal.platform.core.each import is_passing, note_fault

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=5)
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=12)
GIVE_UP_AFTER: Final = timedelta(days=3)
MOST_IN_A_ROW: Final = 500
ROUND: Final = timedelta(minutes=1)
"""How long one endpoint may occupy a worker; the next round continues."""


def send_waiting(endpoint_id: int) -> int:
    """Send an endpoint's deliveries until one is not accepted; return the number accepted."""
    count, ends_at = 0, timezone.now() + ROUND
    while count < MOST_IN_A_ROW and timezone.now() < ends_at and send_next(endpoint_id):
        count += 1
    return count


def send_next(endpoint_id: int) -> bool:
    """Send the first undone delivery, if it is due and no other sender has it; return whether
    the next one may follow.
    """
    delivery = _claim(endpoint_id)
    if delivery is None:
        return False
    try:
        answer = _post(delivery)
    except Exception as error:
        if is_passing(error):
            raise
        note_fault(error, doing="send_delivery", row=delivery)
        return _give_up(delivery, error)
    return _write_down(delivery, answer)


def _post(delivery: Delivery) -> Answer:
    now = timezone.now()
    body = write_body(delivery.event)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Gatehouse-Webhooks/1",
        **sign(delivery.endpoint, message_id=message_id(delivery.event), body=body, at=now),
    }
    return post(delivery.endpoint.url, body=body, headers=headers)


def _give_up(delivery: Delivery, error: Exception) -> bool:
    """A delivery that cannot be written blocks no other; the endpoint is not at fault."""
    _own(delivery).update(
        state=DeliveryState.GIVEN_UP, due_at=timezone.now(), last_error=type(error).__name__
    )
    return True


def message_id(event: Event) -> str:
    """The event's id, the same however often it is sent."""
    return f"evt_{event.public_id.hex}"


def write_body(event: Event) -> bytes:
    """The event as JSON; the same bytes each time."""
    data: dict[str, Any] = {**event.data}
    if event.application is not None:
        models = event.application.models_wanted.order_by("slug").values_list("slug", flat=True)
        data["application"] = {**data["application"], "models": list(models)}
    content = {
        "id": message_id(event),
        "type": str(event.type),
        "timestamp": event.due_at.isoformat(),
        "data": data,
    }
    return json.dumps(content, separators=(",", ":")).encode()


def pause_after(attempts: int) -> timedelta:
    """One minute after the first try, twice as long after each, at most 12 hours."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)


def _claim(endpoint_id: int) -> Delivery | None:
    now = timezone.now()
    undone = Delivery.objects.filter(
        endpoint=endpoint_id, endpoint__disabled_at=None, state__in=UNDONE
    )
    head = undone.order_by("sequence").first()
    if head is None or head.due_at > now:
        return None
    unmoved = Delivery.objects.filter(
        pk=head.pk, state=head.state, attempts=head.attempts, due_at__lte=now
    )
    taken = unmoved.update(
        state=DeliveryState.SENDING,
        attempts=F("attempts") + 1,
        due_at=now + LEASE,
        first_tried_at=Coalesce("first_tried_at", now),
        last_tried_at=now,
    )
    if taken != 1:
        return None
    return Delivery.objects.select_related("endpoint", "event__application").get(pk=head.pk)


def _write_down(delivery: Delivery, answer: Answer) -> bool:
    now = timezone.now()
    if answer.is_accepted:
        changes: dict[str, object] = {"state": DeliveryState.DELIVERED, "due_at": now}
    elif _is_hopeless(delivery, answer, at=now):
        changes = {"state": DeliveryState.GIVEN_UP, "due_at": now}
    else:
        changes = {
            "state": DeliveryState.WAITING,
            "due_at": now + pause_after(delivery.attempts),
        }
    with transaction.atomic():
        own = _own(delivery).update(
            last_status=answer.status, last_error=answer.error[:100], **changes
        )
        is_given_up = own == 1 and changes["state"] == DeliveryState.GIVEN_UP
        if is_given_up and delivery.event.type != EventType.PING:
            disable_failing(delivery.endpoint, is_gone=answer.is_gone)
    if not answer.is_accepted:
        log.warning(
            "webhook_not_accepted",
            endpoint_id=delivery.endpoint_id,
            delivery_id=delivery.pk,
            status=answer.status,
            error=answer.error,
        )
    return changes["state"] != DeliveryState.WAITING


def _is_hopeless(delivery: Delivery, answer: Answer, *, at: datetime) -> bool:
    if answer.is_gone or delivery.event.type == EventType.PING:
        return True
    return delivery.first_tried_at is not None and at - delivery.first_tried_at >= GIVE_UP_AFTER


def _own(delivery: Delivery) -> QuerySet[Delivery]:
    """The row, as long as no other sender has taken it since."""
    return Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.SENDING, attempts=delivery.attempts
    )
