"""Writing the events for endpoints, in the transaction in which they happen.

Endpoints get a decision when its hold ends, as its applicant does. A decision that is taken
back in time is never sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from portal.gate.access.enums import Command
from portal.gate.access.models import Application, Grant, Step
from portal.gate.webhooks.domain.tasks import call_for_dispatch
from portal.gate.webhooks.enums import EventType
from portal.gate.webhooks.models import Endpoint, Event

APPLICATION_EVENTS: Final[Mapping[str, EventType]] = {
    Command.SUBMIT: EventType.APPLICATION_SUBMITTED,
    Command.RETURN: EventType.APPLICATION_RETURNED,
    Command.APPROVE: EventType.APPLICATION_APPROVED,
    Command.REJECT: EventType.APPLICATION_REFUSED,
    Command.WITHDRAW: EventType.APPLICATION_WITHDRAWN,
    Command.LAPSE: EventType.APPLICATION_WITHDRAWN,
    Command.APPEAL: EventType.APPLICATION_APPEALED,
    Command.REOPEN: EventType.APPLICATION_REOPENED,
}
GRANT_EVENTS: Final[Mapping[str, EventType]] = {
    Command.SUSPEND: EventType.GRANT_SUSPENDED,
    Command.HALT: EventType.GRANT_SUSPENDED,
    Command.RESUME: EventType.GRANT_RESUMED,
    Command.REVOKE: EventType.GRANT_REVOKED,
    Command.END: EventType.GRANT_REVOKED,
    Command.EXTEND: EventType.GRANT_EXTENDED,
    Command.GIVE_BACK: EventType.GRANT_GIVEN_BACK,
    Command.LEAVE: EventType.GRANT_GIVEN_BACK,
    Command.SUPERSEDE: EventType.GRANT_REPLACED,
}


def write_step(step: Step, **_: object) -> Event | None:
    """Write the event of a step, if it has one; in the caller's transaction.

    Taking back a decision deletes its events.
    """
    application = step.application
    if application.submitted_at is None:
        return None
    if step.command == Command.TAKE_BACK:
        Event.objects.filter(
            application=application, fanned_out_at=None, due_at__gt=timezone.now()
        ).delete()
        return None
    if step.grant is not None:
        type_ = GRANT_EVENTS.get(step.command)
        data: dict[str, Any] = {"grant": describe_grant(step.grant)}
    else:
        type_ = APPLICATION_EVENTS.get(step.command)
        data = {"grant": None}
    return _write(type_, application, data) if type_ else None


def write_grant(grant: Grant, **_: object) -> Event | None:
    """Write the event of a new grant, sent when it begins and its decision is announced."""
    return _write(
        EventType.GRANT_MADE,
        grant.application,
        {"grant": describe_grant(grant)},
        not_before=grant.starts_at,
    )


def write_expiry(grant: Grant, **_: object) -> Event | None:
    """Write the event of a grant that has ended."""
    return _write(EventType.GRANT_EXPIRED, grant.application, {"grant": describe_grant(grant)})


def describe_grant(grant: Grant) -> dict[str, Any]:
    """A grant as endpoints get it; nothing about its holder."""
    return {
        "id": grant.pk,
        "model": grant.model.slug,
        "state": str(grant.state),
        "capabilities": sorted(grant.capabilities),
        "starts_at": grant.starts_at.isoformat(),
        "ends_at": grant.ends_at.isoformat(),
    }


def _write(
    type_: EventType,
    application: Application,
    data: Mapping[str, Any],
    *,
    not_before: datetime | None = None,
) -> Event | None:
    if not Endpoint.objects.filter(disabled_at=None).exists():
        return None
    now = timezone.now()
    moments = [now, not_before or now]
    if application.is_held(at=now) and application.effective_at:
        moments.append(application.effective_at)
    event = Event.objects.create(
        type=type_,
        application=application,
        data={
            "application": {
                "case_number": application.case_number,
                "state": str(application.state),
            },
            **data,
        },
        created_at=now,
        due_at=max(moments),
    )
    if event.due_at <= now:
        call_for_dispatch()
    return event
