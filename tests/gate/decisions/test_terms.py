"""What an approval gives: what was asked for, less of it, and until exactly when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from portal.gate.access.models import Application, Grant, Step
from tests.factories.access import ApplicationFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.decisions.asking import GRANTS, place, refusal_of
from tests.lab.api.client import ApiClient
from tests.lab.playground.sse import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NOW_TEXT = "2026-11-25T12:00:00Z"


@pytest.fixture
def two(transactional_db: None) -> Application:
    """Asks for two models, in two ways each."""
    models = [HostedModelFactory.create(slug=slug) for slug in ("small", "large")]
    return ApplicationFactory.create(models_wanted=models)


async def test_without_terms_all_is_given_for_the_sites_usual_time(
    desk: ApiClient, two: Application, settings: Settings
) -> None:
    settings.GRANT_DEFAULT_DAYS = 30
    with time_machine.travel(NOW, tick=False):
        decision = (await desk.ask(place(two, "approve"), json={"revision": 0})).json()

    grants = (await desk.get(GRANTS)).json()["data"]
    assert (decision["command"], decision["at"]) == ("approve", NOW_TEXT)
    assert decision["application"]["decided_at"] == NOW_TEXT
    assert decision["application"]["told_at"] == NOW_TEXT
    ids = await in_thread(lambda: list(Grant.objects.order_by("pk").values_list("pk", flat=True)))
    assert sorted(grant["model"] for grant in grants) == ["large", "small"]
    assert [{**grant, "model": ""} for grant in grants] == [
        {
            "id": pk,
            "object": "grant",
            "application": two.case_number,
            "model": "",
            "state": "active",
            "revision": 0,
            "capabilities": ["api", "playground"],
            "starts_at": NOW_TEXT,
            "ends_at": "2026-12-25T12:00:00Z",
            "reason": "",
        }
        for pk in ids
    ]


async def test_a_held_approval_gives_from_when_it_is_told(
    desk: ApiClient, two: Application, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    body = {"revision": 0, "models": ["small"]}
    with time_machine.travel(NOW, tick=False) as clock:
        held = (await desk.ask(place(two, "approve"), json=body)).json()["application"]
        clock.shift(timedelta(seconds=599))
        last = (await desk.get(place(two))).json()
        clock.shift(timedelta(seconds=1))
        told = (await desk.get(place(two))).json()

    (grant,) = (await desk.get(GRANTS)).json()["data"]
    assert (held["decided_at"], held["told_at"]) == (NOW_TEXT, "2026-11-25T12:10:00Z")
    assert [each["is_held"] for each in (held, last, told)] == [True, True, False]
    assert grant["starts_at"] == "2026-11-25T12:10:00Z"


async def test_less_is_given_where_less_is_named(desk: ApiClient, two: Application) -> None:
    body = {
        "revision": 0,
        "models": ["large"],
        "capabilities": ["api"],
        "ends_at": "2027-01-31T01:00:00+01:00",
        "note": "A sound plan.",
    }
    with time_machine.travel(NOW, tick=False):
        response = await desk.ask(place(two, "approve"), json=body)

    (grant,) = (await desk.get(GRANTS)).json()["data"]
    step = await in_thread(Step.objects.get)
    assert response.status_code == 200
    assert (grant["model"], grant["capabilities"]) == ("large", ["api"])
    assert grant["ends_at"] == "2027-01-31T00:00:00Z"
    assert step.note == "A sound plan."


async def test_terms_that_cannot_be_are_refused_by_the_fields_of_the_request(
    desk: ApiClient, two: Application
) -> None:
    """Five times 366 days are the longest."""
    await in_thread(lambda: HostedModelFactory.create(slug="other"))
    longest = NOW + timedelta(days=5 * 366)
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"models": []}, "models_missing", "models"),
        ({"models": ["small", "none"]}, "invalid_value", "models"),
        ({"models": ["small", "other"]}, "not_asked_for", "models"),
        ({"capabilities": []}, "capabilities_missing", "capabilities"),
        ({"capabilities": ["api", "weights"]}, "not_asked_for", "capabilities"),
        ({"ends_at": NOW.isoformat()}, "end_not_in_future", "ends_at"),
        ({"ends_at": (longest + timedelta(seconds=1)).isoformat()}, "end_too_far", "ends_at"),
        ({"ends_at": "2027-01-31T00:00:00"}, "invalid_value", "ends_at"),
    ]
    with time_machine.travel(NOW, tick=False):
        refusals = [
            refusal_of(await desk.ask(place(two, "approve"), json={"revision": 0, **terms}))
            for terms, _, _ in cases
        ]
        taken = await desk.ask(
            place(two, "approve"), json={"revision": 0, "ends_at": longest.isoformat()}
        )

    assert refusals == [(400, code, field) for _, code, field in cases]
    assert taken.status_code == 200


async def test_what_is_missing_is_named_by_its_field(desk: ApiClient, two: Application) -> None:
    cases: list[tuple[str, dict[str, Any], str, str]] = [
        ("refuse", {"reason": " "}, "text_missing", "reason"),
        ("refuse", {"reason": "a" * 5001}, "invalid_value", "reason"),
        ("refuse", {"reason": "No.", "reason_code": "dislike"}, "invalid_value", "reason_code"),
        ("return", {"note": " "}, "text_missing", "note"),
        ("return", {"field_notes": {"no": "a"}}, "invalid_value", "field_notes"),
        ("return", {"field_notes": {"country": 5}}, "invalid_value", "field_notes.country"),
        ("approve", {"revision": -1}, "invalid_value", "revision"),
        ("approve", {"revision": 2**31}, "invalid_value", "revision"),
        ("approve", {"until": "soon"}, "invalid_value", "until"),
    ]

    refusals = [
        refusal_of(await desk.ask(place(two, command), json={"revision": 0, **body}))
        for command, body, _, _ in cases
    ]

    assert refusals == [(400, code, field) for _, _, code, field in cases]
    assert await in_thread(Step.objects.count) == 0
