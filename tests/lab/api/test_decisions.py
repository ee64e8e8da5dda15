"""Decisions by a program: the console's rules, with a key."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator
from pytest_django import DjangoAssertNumQueries, Settings

from portal.gate.access.capabilities import RESEARCH_SCOPES
from portal.gate.access.enums import ApplicationState, Capability, Command, GrantState
from portal.gate.access.models import Application, Grant, Step
from portal.gate.catalog.enums import Tier
from portal.gate.decision_api.domain.reading import STATUSES, list_applications, list_grants
from portal.platform.accounts.models import User
from portal.platform.core.database import in_database
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.lab.api.client import ApiClient, client_of
from tests.lab.api.document.test_document import DOCUMENT, OPERATIONS
from tests.lab.playground.sse import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
APPLICATIONS = "/v1/decisions/applications"
GRANTS = "/v1/decisions/grants"


@pytest.fixture
def reviewer(transactional_db: None) -> User:
    return UserFactory.create(is_reviewer=True, name="Rita Reviewer")


@pytest.fixture
def desk(reviewer: User) -> ApiClient:
    return client_of(reviewer)


@pytest.fixture
def waiting(transactional_db: None) -> Application:
    return ApplicationFactory.create(models_wanted=[HostedModelFactory.create(slug="small")])


def place(application: Application, command: str = "") -> str:
    return f"{APPLICATIONS}/{application.case_number}" + (f"/{command}" if command else "")


def faults_of(operation: str, content: object) -> list[str]:
    schema = OPERATIONS[operation]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(content)]


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


async def state_of(application: Application) -> str:
    await in_thread(application.refresh_from_db)
    return str(application.state)


async def test_lists_are_by_status_and_come_in_pages(desk: ApiClient, reviewer: User) -> None:
    def seed() -> list[Application]:
        states = ("submitted", "in_review", "appealed", "returned", "approved", "rejected")
        rows = [ApplicationFactory.create(state=state) for state in states]
        rows.append(ApplicationFactory.create(is_draft=True))
        ApplicationFactory.create(applicant=reviewer)
        return rows

    rows = await in_thread(seed)
    cases = [row.case_number for row in rows]

    async def listed(**query: Any) -> list[str]:
        page = (await desk.get(APPLICATIONS, query)).json()
        assert faults_of("list_applications", page) == []
        return [item["id"] for item in page["data"]]

    assert await listed() == cases[:6]
    assert await listed(status="pending") == cases[:3]
    assert await listed(status="returned") == [cases[3]]
    assert await listed(status="accepted") == [cases[4]]
    assert await listed(status="refused") == [cases[5]]
    first = (await desk.get(APPLICATIONS, {"limit": 2})).json()
    assert (first["last_id"], first["has_more"]) == (cases[1], True)
    assert await listed(limit=2, after=first["last_id"]) == cases[2:4]
    assert await listed(after=cases[5]) == []
    wrong = await desk.get(APPLICATIONS, {"after": "GH-1"})
    assert code_of(wrong) == (404, "not_found")


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_ask_the_database_no_more_for_more_rows(
    reviewer: User, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        grant = GrantFactory.create()
        ApplicationFactory.create(models_wanted=[grant.model])
    with django_assert_num_queries(2):
        list_applications(reviewer, status="pending", after=None, limit=20)
    with django_assert_num_queries(1):
        list_grants(reviewer, state=None, model=None, after=None, limit=20)


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


async def test_ones_own_application_and_grant_are_not_there(
    desk: ApiClient, reviewer: User
) -> None:
    own, grant = await in_thread(
        lambda: (
            ApplicationFactory.create(applicant=reviewer),
            GrantFactory.create(user=reviewer, application__applicant=reviewer),
        )
    )
    answers = [
        await desk.get(place(own)),
        await desk.ask(place(own, "approve"), json={"revision": 0}),
        await desk.ask(f"{GRANTS}/{grant.pk}/revoke", json={"revision": 0, "reason": "Mine."}),
    ]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 3
    assert (await desk.get(GRANTS)).json()["data"] == []


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


async def test_a_repeated_request_decides_once(desk: ApiClient, waiting: Application) -> None:
    async def ask(key: str, reason: str = "No.", revision: int = 0) -> Any:
        body = {"revision": revision, "reason": reason}
        return await desk.ask(place(waiting, "refuse"), json=body, **{"Idempotency-Key": key})

    refused = await ask("one", reason=" ")
    assert code_of(refused) == (400, "text_missing")
    answers = [await ask("one"), await ask("one")]
    assert [answer.json()["is_repeat"] for answer in answers] == [False, True]
    assert [answer.json()["at"] for answer in answers] == [answers[0].json()["at"]] * 2
    assert code_of(await ask("one", reason="Other.")) == (400, "idempotency_key_reused")
    assert code_of(await ask("two")) == (409, "changed_meanwhile")
    assert await in_thread(Step.objects.filter(command=Command.REJECT).count) == 1


async def test_a_request_that_is_sent_twice_at_once_decides_once(
    desk: ApiClient, waiting: Application
) -> None:
    body = {"revision": 0, "reason": "No."}
    answers = await asyncio.gather(
        *(
            desk.ask(place(waiting, "refuse"), json=body, **{"Idempotency-Key": "one"})
            for _ in range(4)
        )
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(answer.json()["is_repeat"] for answer in answers) == [False, True, True, True]


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


async def test_a_key_stops_in_the_moment_in_which_its_owner_loses_the_role(
    desk: ApiClient, reviewer: User, waiting: Application
) -> None:
    def demote() -> None:
        User.objects.filter(pk=reviewer.pk).update(is_reviewer=False)

    assert (await desk.get(place(waiting))).status_code == 200
    await in_database(demote)
    answers = [
        await desk.get(APPLICATIONS),
        await desk.get(GRANTS),
        await desk.ask(place(waiting, "approve"), json={"revision": 0}),
    ]
    assert [code_of(answer) for answer in answers] == [(403, "reviewers_only")] * 3
    assert await state_of(waiting) == ApplicationState.SUBMITTED


async def test_another_scope_decides_nothing(reviewer: User, waiting: Application) -> None:
    client = await in_thread(lambda: client_of(reviewer, scopes=list(RESEARCH_SCOPES)))
    assert code_of(await client.get(place(waiting))) == (403, "key_scope")


async def test_what_a_program_decided_is_in_the_grant(
    desk: ApiClient, waiting: Application, reviewer: User
) -> None:
    await desk.ask(place(waiting, "approve"), json={"revision": 0})
    step, grant = await in_thread(
        lambda: (Step.objects.select_related("actor").get(), Grant.objects.get())
    )
    assert (step.actor, grant.capabilities) == (reviewer, [Capability.PLAYGROUND, Capability.API])


def test_every_state_but_the_draft_is_in_one_list() -> None:
    listed = [state for states in STATUSES.values() for state in states]
    assert sorted(listed) == sorted(set(ApplicationState) - {ApplicationState.DRAFT})
