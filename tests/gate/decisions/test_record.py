"""What a program decides stands in the audit log as what its reviewer did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from portal.gate.access.models import Application, Grant, Step
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.models import AuditEvent
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.gate.decisions.asking import APPLICATIONS, GRANTS, place, place_of_grant
from tests.lab.api.client import ApiClient
from tests.lab.playground.sse import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HELD_UNTIL = "2026-11-25T12:10:00+00:00"


async def list_events() -> list[tuple[str, str, Any]]:
    """Tag, subject and data of each event, less the step, which has a test of its own."""
    rows = await in_thread(lambda: list(AuditEvent.objects.order_by("pk")))
    return [
        (row.tag, row.subject, {name: row.data[name] for name in row.data if name != "step"})
        for row in rows
    ]


async def decide(desk: ApiClient, application: Application, *commands: Any) -> None:
    """One after another, each on what the one before has left."""
    with time_machine.travel(NOW, tick=False):
        for revision, (command, body) in enumerate(commands):
            answer = await desk.ask(
                place(application, command), json={"revision": revision, **body}
            )
            assert answer.status_code == 200


async def test_an_approval_its_grant_and_taking_both_back(
    desk: ApiClient, waiting: Application, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    terms = {"capabilities": ["api"], "ends_at": "2027-01-31T00:00:00Z"}
    await decide(desk, waiting, ("approve", terms), ("take-back", {"note": "By mistake."}))

    grant = await in_thread(Grant.objects.get)
    subject = f"application:{waiting.case_number}"
    given = {"capabilities": ["api"], "ends_at": "2027-01-31T00:00:00+00:00"}
    assert await list_events() == [
        (
            "access.application.approved",
            subject,
            {
                "from": "submitted",
                "to": "approved",
                "models": ["small"],
                **given,
                "reason": "",
                "effective_at": HELD_UNTIL,
                "same_domain": True,
            },
        ),
        (
            "access.grant.made",
            f"grant:{grant.pk}",
            {"application": waiting.case_number, "model": "small", **given},
        ),
        ("access.application.taken_back", subject, {"from": "approved", "to": "in_review"}),
        ("access.grant.voided", f"grant:{grant.pk}", {"from": "active", "to": "void"}),
    ]


async def test_a_return_and_a_refusal(desk: ApiClient, waiting: Application) -> None:
    notes = {"field_notes": {"data_handling": "Who?", "country": "Which?"}}
    refusal = {"reason": "Commercial.", "reason_code": "not_research"}
    other = await in_thread(_another, waiting)
    await decide(desk, waiting, ("return", notes))
    await decide(desk, other, ("refuse", refusal))

    told = {"effective_at": "2026-11-25T12:00:00+00:00", "same_domain": True}
    assert await list_events() == [
        (
            "access.application.returned",
            f"application:{waiting.case_number}",
            {
                "from": "submitted",
                "to": "returned",
                "fields": ["country", "data_handling"],
                "reason": "",
                **told,
            },
        ),
        (
            "access.application.rejected",
            f"application:{other.case_number}",
            {"from": "submitted", "to": "rejected", "reason": "not_research", **told},
        ),
    ]


async def test_every_event_names_the_reviewer_and_the_step(
    desk: ApiClient, reviewer: User, waiting: Application
) -> None:
    grant = await in_thread(GrantFactory.create)
    for revision, command in enumerate(("suspend", "resume", "revoke")):
        body = {"revision": revision, "reason": f"To {command}."}
        await desk.ask(place_of_grant(grant, command), json=body)
    await decide(desk, waiting, ("refuse", {"reason": "No."}))

    rows = await in_thread(lambda: list(AuditEvent.objects.order_by("pk")))
    steps = await in_thread(lambda: list(Step.objects.order_by("pk")))
    assert [(row.tag, row.data["from"], row.data["to"]) for row in rows] == [
        ("access.grant.suspended", "active", "suspended"),
        ("access.grant.resumed", "suspended", "active"),
        ("access.grant.revoked", "active", "revoked"),
        ("access.application.rejected", "submitted", "rejected"),
    ]
    assert [row.actor_id for row in rows] == [reviewer.pk] * 4
    assert [row.data["step"] for row in rows] == [step.pk for step in steps]
    assert [step.note for step in steps] == ["To suspend.", "To resume.", "To revoke.", "No."]
    assert [step.actor_id for step in steps] == [reviewer.pk] * 4
    assert await in_thread(find_breaks) == []


async def test_reading_and_what_is_refused_leave_no_event(
    desk: ApiClient, waiting: Application
) -> None:
    grant = await in_thread(GrantFactory.create)
    header = {"Idempotency-Key": "one"}
    for address in (APPLICATIONS, GRANTS, place(waiting)):
        assert (await desk.get(address)).status_code == 200
    for address, body in (
        (place(waiting, "refuse"), {"revision": 0, "reason": " "}),
        (place(waiting, "refuse"), {"revision": 1, "reason": "No."}),
        (place_of_grant(grant, "suspend"), {"revision": 0, "reason": " "}),
        (place_of_grant(grant, "resume"), {"revision": 0, "reason": "Yes."}),
    ):
        assert (await desk.ask(address, json=body)).status_code in {400, 409}
    assert await list_events() == []

    for _ in range(2):
        body = {"revision": 0, "reason": "No."}
        assert (await desk.ask(place(waiting, "refuse"), json=body, **header)).status_code == 200
    assert [tag for tag, _, _ in await list_events()] == ["access.application.rejected"]


def _another(application: Application) -> Application:
    """Of somebody else, for the same model."""
    return ApplicationFactory.create(models_wanted=list(application.models_wanted.all()))
