"""Lists of applications and grants: what is in which, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.enums import ApplicationState, GrantState
from portal.gate.access.models import Application, Grant
from portal.gate.decision_api.domain.reading import STATUSES, list_applications, list_grants
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.decisions.asking import (
    APPLICATIONS,
    GRANTS,
    code_of,
    faults_of,
    place,
    place_of_grant,
    refusal_of,
)
from tests.lab.api.client import ApiClient
from tests.lab.playground.sse import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
EMPTY: dict[str, Any] = {
    "object": "list",
    "data": [],
    "first_id": None,
    "last_id": None,
    "has_more": False,
}


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


async def test_who_is_withdrawn_or_has_lapsed_is_in_one_list(
    desk: ApiClient, waiting: Application
) -> None:
    states = (ApplicationState.WITHDRAWN, ApplicationState.LAPSED)
    rows = await in_thread(lambda: [ApplicationFactory.create(state=state) for state in states])

    page = (await desk.get(APPLICATIONS, {"status": "withdrawn"})).json()

    assert [item["id"] for item in page["data"]] == [row.case_number for row in rows]
    assert [item["status"] for item in page["data"]] == ["withdrawn"] * 2


async def read_pages(desk: ApiClient, address: str, **query: Any) -> list[list[Any]]:
    """The ids of each page, going on until the last one says that it is."""
    pages: list[list[Any]] = []
    while True:
        page = (await desk.get(address, query)).json()
        ids = [item["id"] for item in page["data"]]
        assert (page["first_id"], page["last_id"]) == (ids[0], ids[-1])
        assert ids not in pages
        pages.append(ids)
        if not page["has_more"]:
            return pages
        query["after"] = page["last_id"]


async def test_pages_follow_each_other_without_gap_or_repetition(desk: ApiClient) -> None:
    grants = await in_thread(lambda: [GrantFactory.create() for _ in range(4)])
    ids = [grant.pk for grant in grants]
    cases = [grant.application.case_number for grant in grants]

    assert await read_pages(desk, GRANTS, limit=3) == [ids[:3], ids[3:]]
    # A page that holds all there are has nothing behind it.
    assert await read_pages(desk, GRANTS, limit=4) == [ids]
    assert await read_pages(desk, GRANTS, limit=2) == [ids[:2], ids[2:]]
    assert await read_pages(desk, APPLICATIONS, limit=1) == [[case] for case in cases]
    assert await read_pages(desk, APPLICATIONS, limit=4) == [cases]
    assert await read_pages(desk, APPLICATIONS) == [cases]


async def test_grants_are_by_state_and_model(desk: ApiClient) -> None:
    def seed() -> list[Grant]:
        small, large = (HostedModelFactory.create(slug=slug) for slug in ("small", "large"))
        return [
            GrantFactory.create(model=model, state=state)
            for model in (small, large)
            for state in (GrantState.ACTIVE, GrantState.SUSPENDED, GrantState.VOID)
        ]

    grants = await in_thread(seed)
    ids = [grant.pk for grant in grants]

    async def listed(**query: str) -> list[int]:
        return [item["id"] for item in (await desk.get(GRANTS, query)).json()["data"]]

    assert await listed() == [ids[0], ids[1], ids[3], ids[4]]
    assert await listed(state="suspended") == [ids[1], ids[4]]
    assert await listed(model="small") == ids[:2]
    assert await listed(model="large", state="active") == [ids[3]]
    assert (await desk.get(GRANTS, {"model": "none"})).json() == EMPTY
    assert (await desk.get(GRANTS, {"state": "void"})).json() == EMPTY
    # What was taken back with its decision was never told.
    body = {"revision": 0, "reason": "A reason."}
    void = await desk.ask(place_of_grant(grants[2], "revoke"), json=body)
    assert code_of(void) == (404, "not_found")


async def test_what_no_list_takes_is_refused_by_name(desk: ApiClient) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        (APPLICATIONS, {"limit": 0}),
        (APPLICATIONS, {"limit": 101}),
        (APPLICATIONS, {"status": "open"}),
        (GRANTS, {"limit": 0}),
        (GRANTS, {"limit": 101}),
        (GRANTS, {"limit": "x"}),
        (GRANTS, {"state": "dead"}),
        (GRANTS, {"after": 0}),
        (GRANTS, {"after": 2**63}),
    ]

    refusals = [refusal_of(await desk.get(address, query)) for address, query in asked]

    assert refusals == [(400, "invalid_value", *query) for _, query in asked]
    missing = await desk.get(APPLICATIONS, {"after": "GH-1"})
    assert refusal_of(missing) == (404, "not_found", "after")
    assert (await desk.get(GRANTS, {"limit": 100, "after": 2**63 - 1})).json() == EMPTY


async def test_an_application_is_read_as_it_was_submitted(desk: ApiClient) -> None:
    at = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
    application = await in_thread(
        lambda: ApplicationFactory.create(
            models_wanted=[HostedModelFactory.create(slug=slug) for slug in ("small", "large")],
            capabilities=["playground", "api"],
            applicant_name="Ada Applicant",
            applicant_email="ada@uni.example",
            sector="university",
            orcid="0000-0002-1825-0097",
            submitted_at=at,
        )
    )

    read = (await desk.get(place(application))).json()

    assert faults_of("get_application", read) == []
    assert read == {
        "id": application.case_number,
        "object": "application",
        "state": "submitted",
        "status": "pending",
        "revision": 0,
        "submitted_at": "2026-11-25T12:30:00Z",
        "decided_at": None,
        "told_at": None,
        "is_held": False,
        "is_endorsed": False,
        "claimed_by": None,
        "applicant": {
            "name": "Ada Applicant",
            "email": "ada@uni.example",
            "orcid": "0000-0002-1825-0097",
            "is_orcid_verified": False,
        },
        "affiliation": "University of the Tests",
        "position": "Researcher",
        "sector": "university",
        "country": "NL",
        "homepage": "https://people.example.org/researcher",
        "intended_use": "Measuring how calibration changes with scale.",
        "models": ["large", "small"],
        "capabilities": ["api", "playground"],
        "data_handling": "Outputs stay on an encrypted disk of the group.",
        "others_with_access": "Nobody.",
    }


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


def test_every_state_but_the_draft_is_in_one_list() -> None:
    listed = [state for states in STATUSES.values() for state in states]
    assert sorted(listed) == sorted(set(ApplicationState) - {ApplicationState.DRAFT})
