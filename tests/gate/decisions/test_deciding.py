"""Decisions by a program: the console's rules, with a key."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.enums import Capability, GrantState
from portal.gate.access.models import Application, Grant, Step
from portal.gate.catalog.enums import Tier
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.gate.decisions.asking import GRANTS, code_of, faults_of, place, state_of
from tests.lab.api.client import ApiClient, client_of
from tests.lab.playground.sse import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_was_read_is_approved_and_gives_grants(
    desk: ApiClient, waiting: Application
) -> None:
    read = (await desk.get(place(waiting))).json()
    assert faults_of("get_application", read) == []
    response = await desk.ask(
        place(waiting, "approve"), json={"revision": read["revision"], "capabilities": ["api"]}
    )
    assert response.status_code == 200
    decision = response.json()
    assert faults_of("approve_application", decision) == []
    assert (decision["command"], decision["is_repeat"]) == ("approve", False)
    assert (decision["application"]["status"], await state_of(waiting)) == ("accepted", "approved")
    (grant,) = (await desk.get(GRANTS, {"model": "small"})).json()["data"]
    assert (grant["application"], grant["capabilities"]) == (waiting.case_number, ["api"])


@pytest.mark.parametrize(
    ("command", "body", "state"),
    [
        ("refuse", {"reason": "Commercial.", "reason_code": "not_research"}, "rejected"),
        ("return", {"field_notes": {"data_handling": "Who reads it?"}}, "returned"),
        ("return", {"note": "Say more."}, "returned"),
    ],
)
async def test_an_application_is_refused_or_returned(
    desk: ApiClient, waiting: Application, command: str, body: dict[str, Any], state: str
) -> None:
    response = await desk.ask(place(waiting, command), json={"revision": 0, **body})
    assert faults_of(f"{command}_application", response.json()) == []
    assert await state_of(waiting) == state


@pytest.mark.parametrize(
    ("command", "body", "refusal"),
    [
        ("refuse", {"revision": 0, "reason": " "}, (400, "text_missing")),
        ("refuse", {"revision": 0}, (400, "invalid_value")),
        ("refuse", {"revision": 0, "reason": "a", "else": 1}, (400, "invalid_value")),
        ("return", {"revision": 0}, (400, "text_missing")),
        ("return", {"revision": 0, "field_notes": {"no": "a"}}, (400, "invalid_value")),
        ("approve", {"revision": 0, "models": ["nothing"]}, (400, "invalid_value")),
        ("approve", {"revision": 0, "models": []}, (400, "models_missing")),
        ("approve", {"revision": 0, "capabilities": ["weights"]}, (400, "not_asked_for")),
        ("approve", {"revision": 0, "ends_at": "2020-01-01T00:00Z"}, (400, "end_not_in_future")),
        ("approve", {"revision": 0, "ends_at": "2999-01-01T00:00"}, (400, "invalid_value")),
        ("approve", {"revision": 0, "ends_at": 4_070_908_800}, (400, "invalid_value")),
        ("approve", {"revision": 0, "ends_at": "soon"}, (400, "invalid_value")),
        ("approve", {"revision": 0, "capabilities": ["flying"]}, (400, "invalid_value")),
        ("approve", {"revision": False}, (400, "invalid_value")),
        ("approve", {"revision": "0"}, (400, "invalid_value")),
        ("approve", {"revision": 7}, (409, "changed_meanwhile")),
        ("take-back", {"revision": 0}, (409, "changed_meanwhile")),
        ("claim", {"revision": 0}, (404, "not_found")),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    desk: ApiClient,
    waiting: Application,
    command: str,
    body: dict[str, Any],
    refusal: tuple[int, str],
) -> None:
    assert code_of(await desk.ask(place(waiting, command), json=body)) == refusal
    assert (await state_of(waiting), await in_thread(Step.objects.count)) == ("submitted", 0)


async def test_who_comes_second_reads_who_was_first(desk: ApiClient, waiting: Application) -> None:
    other = await in_thread(lambda: client_of(UserFactory.create(is_reviewer=True, name="Otto")))
    await other.ask(place(waiting, "refuse"), json={"revision": 0, "reason": "No."})
    late = await desk.ask(place(waiting, "approve"), json={"revision": 0})
    assert code_of(late) == (409, "changed_meanwhile")
    assert "“rejected”: rejected by Otto on" in late.json()["error"]["message"]
    assert late["x-should-retry"] == "false"


async def test_of_two_at_once_one_decides(desk: ApiClient, waiting: Application) -> None:
    other = await in_thread(lambda: client_of(UserFactory.create(is_reviewer=True)))
    body = {"revision": 0, "reason": "No."}
    answers = await asyncio.gather(
        desk.ask(place(waiting, "approve"), json={"revision": 0}),
        other.ask(place(waiting, "refuse"), json=body),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_claim_of_another_holds(desk: ApiClient, waiting: Application) -> None:
    def claim() -> None:
        waiting.claimed_by = UserFactory.create(is_reviewer=True, name="Otto")
        waiting.claim_ends_at = timezone.now() + timedelta(hours=1)
        waiting.save()

    await in_thread(claim)
    response = await desk.ask(place(waiting, "approve"), json={"revision": 0})
    assert code_of(response) == (409, "claimed_by_other")


async def test_two_people_are_needed_where_the_tier_says_so(
    desk: ApiClient, waiting: Application
) -> None:
    def guard() -> None:
        waiting.models_wanted.update(tier=Tier.TWO_REVIEWERS)

    await in_thread(guard)
    other = await in_thread(lambda: client_of(UserFactory.create(is_reviewer=True)))
    end = (timezone.now() + timedelta(days=30)).isoformat()
    first = await desk.ask(place(waiting, "approve"), json={"revision": 0, "ends_at": end})
    assert (first.json()["command"], first.json()["application"]["is_endorsed"]) == (
        "endorse",
        True,
    )
    again = await desk.ask(place(waiting, "approve"), json={"revision": 1, "ends_at": end})
    assert code_of(again) == (409, "already_endorsed")
    second = await other.ask(place(waiting, "approve"), json={"revision": 1, "ends_at": end})
    assert second.json()["command"] == "approve"


async def test_a_held_decision_is_taken_back_and_a_told_one_is_not(
    desk: ApiClient, waiting: Application, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    body = {"revision": 0, "reason": "No."}
    decision = (await desk.ask(place(waiting, "refuse"), json=body)).json()
    assert decision["application"]["is_held"] is True
    back = await desk.ask(place(waiting, "take-back"), json={"revision": 1})
    assert faults_of("take_back_decision", back.json()) == []
    assert await state_of(waiting) == "in_review"
    settings.DECISION_HOLD_SECONDS = 0
    await desk.ask(place(waiting, "refuse"), json={**body, "revision": 2})
    late = await desk.ask(place(waiting, "take-back"), json={"revision": 3})
    assert code_of(late) == (409, "hold_over")


async def test_grants_are_suspended_resumed_and_revoked(desk: ApiClient) -> None:
    grant = await in_thread(GrantFactory.create)

    async def change(command: str, revision: int) -> Any:
        body = {"revision": revision, "reason": "A reason."}
        return await desk.ask(f"{GRANTS}/{grant.pk}/{command}", json=body)

    states = []
    for revision, command in enumerate(("suspend", "resume", "revoke")):
        answer = (await change(command, revision)).json()
        assert faults_of(f"{command}_grant", answer) == []
        states.append(answer["grant"]["state"])
    assert states == ["suspended", "active", "revoked"]
    assert code_of(await change("suspend", 3)) == (409, "changed_meanwhile")
    assert code_of(await change("suspend", 0)) == (409, "changed_meanwhile")
    listed = (await desk.get(GRANTS, {"state": GrantState.REVOKED.value})).json()
    assert [item["id"] for item in listed["data"]] == [grant.pk]
    assert faults_of("list_grants", listed) == []
    assert (await desk.get(GRANTS, {"after": grant.pk})).json()["data"] == []


async def test_a_grant_that_has_moved_on_is_not_changed(desk: ApiClient) -> None:
    """It stands as it was read, and yet two commands have been given since."""
    grant = await in_thread(GrantFactory.create)

    async def change(command: str, revision: int) -> Any:
        body = {"revision": revision, "reason": "A reason."}
        return await desk.ask(f"{GRANTS}/{grant.pk}/{command}", json=body)

    for revision, command in enumerate(("suspend", "resume")):
        await change(command, revision)

    late = await change("revoke", 0)
    assert code_of(late) == (409, "changed_meanwhile")
    assert "“active”: resumed by you on" in late.json()["error"]["message"]
    assert code_of(await change("revoke", 3)) == (409, "changed_meanwhile")
    assert (await change("revoke", 2)).json()["grant"]["state"] == "revoked"


async def test_what_a_program_decided_is_in_the_grant(
    desk: ApiClient, waiting: Application, reviewer: User
) -> None:
    await desk.ask(place(waiting, "approve"), json={"revision": 0})
    step, grant = await in_thread(
        lambda: (Step.objects.select_related("actor").get(), Grant.objects.get())
    )
    assert (step.actor, grant.capabilities) == (reviewer, [Capability.PLAYGROUND, Capability.API])
