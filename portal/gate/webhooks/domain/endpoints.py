"""Registering endpoints, changing their secrets, and turning them off and on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.gate.webhooks.domain.addresses import resolve_target
from portal.gate.webhooks.domain.signing import OVERLAP, derive_secret, make_seed
from portal.gate.webhooks.domain.tasks import call_for_dispatch
from portal.gate.webhooks.enums import EventType
from portal.gate.webhooks.models import Endpoint, Event
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.refusals import RefusalCode
from portal.platform.notices.domain.outbox import post

DOMAIN: Final = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}", re.ASCII)
FAILED: Final = "It accepted nothing for three days."
GONE: Final = "It answered 410: it wants no more events."


@dataclass(frozen=True)
class Registered:
    """An endpoint and its secret, which is shown here and nowhere else."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@transaction.atomic
def register_endpoint(
    *, by: User, name: str, url: str, events: Sequence[EventType], domain: str = ""
) -> Registered:
    """Send `events` to `url` from now on; with a `domain`, only those of its applicants.

    Raises `DomainError`: `operators_only`, `invalid_value`, and those of `resolve_target`.
    """
    _require_operator(by)
    chosen = [event for event in EventType if event in events and event != EventType.PING]
    if not chosen:
        raise DomainError(RefusalCode.INVALID_VALUE, "Choose at least one event.", field="events")
    domain = domain.strip().lower().removeprefix("@")
    if domain and DOMAIN.fullmatch(domain) is None:
        raise DomainError(
            RefusalCode.INVALID_VALUE, "Write a domain such as example.org.", field="domain"
        )
    resolve_target(url)
    endpoint = Endpoint.objects.create(
        name=name.strip(),
        url=url,
        events=chosen,
        domain=domain,
        secret_seed=make_seed(),
        created_by=by,
        created_at=timezone.now(),
    )
    _record(endpoint, "registered", by=by, events=[str(event) for event in chosen], domain=domain)
    return Registered(endpoint, derive_secret(endpoint.secret_seed))


@transaction.atomic
def rotate_secret(endpoint: Endpoint, *, by: User) -> Registered:
    """A new secret; the old one signs beside it for a day."""
    _require_operator(by)
    locked = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    locked.old_secret_seed = locked.secret_seed
    locked.old_secret_until = timezone.now() + OVERLAP
    locked.secret_seed = make_seed()
    locked.save(update_fields=["secret_seed", "old_secret_seed", "old_secret_until"])
    _record(locked, "secret_rotated", by=by)
    return Registered(locked, derive_secret(locked.secret_seed))


@transaction.atomic
def disable_endpoint(endpoint: Endpoint, *, by: User) -> None:
    """Send it nothing from now on. Waiting deliveries are kept. Raises `LostRace`."""
    _require_operator(by)
    _turn_off(endpoint, reason="Turned off by an operator.")
    _record(endpoint, "disabled", by=by)


@transaction.atomic
def enable_endpoint(endpoint: Endpoint, *, by: User) -> None:
    """Resume waiting deliveries; events from the time off are not sent. Raises `LostRace`."""
    _require_operator(by)
    off = Endpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False)
    if off.update(disabled_at=None, disabled_reason="") != 1:
        raise LostRace("It is already on.")
    endpoint.refresh_from_db()
    endpoint.deliveries.filter(state="waiting").update(due_at=timezone.now(), first_tried_at=None)
    call_for_dispatch()
    _record(endpoint, "enabled", by=by)


@transaction.atomic
def ping_endpoint(endpoint: Endpoint, *, by: User) -> Event:
    """Send a test once, whatever its events are. Raises `DomainError` if it is off."""
    _require_operator(by)
    if not endpoint.is_enabled:
        raise DomainError(RefusalCode.ENDPOINT_OFF, "Turn it on first.")
    now = timezone.now()
    event = Event.objects.create(
        type=EventType.PING, endpoint=endpoint, data={}, created_at=now, due_at=now
    )
    call_for_dispatch()
    return event


def disable_failing(endpoint: Endpoint, *, is_gone: bool) -> None:
    """Turn off an endpoint that accepts nothing, and notify every operator; in the caller's
    transaction.
    """
    reason = GONE if is_gone else FAILED
    try:
        _turn_off(endpoint, reason=reason)
    except LostRace:
        return
    path = reverse("console:webhook", args=[endpoint.pk])
    for operator in User.objects.filter(is_staff=True, is_active=True).order_by("pk"):
        post(
            operator,
            kind="webhooks.disabled",
            about=f"webhook:{endpoint.pk}",
            subject=f"The webhook {endpoint.name} is off",
            body=f"{reason} Waiting deliveries are kept. When it works again, turn it on, and "
            f"send again the deliveries that were given up:\n\n{settings.SITE_URL}{path}\n",
        )
    _record(endpoint, "disabled", by=None, reason="gone" if is_gone else "failed")


def _turn_off(endpoint: Endpoint, *, reason: str) -> None:
    now = timezone.now()
    on = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    if on.update(disabled_at=now, disabled_reason=reason) != 1:
        raise LostRace("It is already off.")
    endpoint.refresh_from_db()


def _require_operator(by: User) -> None:
    if not (by.is_operator and by.is_active):
        raise DomainError(RefusalCode.OPERATORS_ONLY, "Only an operator can do this.")


def _record(endpoint: Endpoint, what: str, *, by: User | None, **data: object) -> None:
    record(
        AuditTag.WEBHOOK_CHANGED,
        actor=by,
        subject=f"webhook:{endpoint.pk}",
        data={"what": what, **data},
    )
