from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.domain.workflow.working_days import Pace
from portal.gate.access.enums import REVIEW_STATES, ApplicationState
from portal.gate.access.models import Application
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
QUEUE = "/console/"


def listed(response: Any) -> list[Application]:
    return [row.application for row in response.context["rows"]]


def waiting(name: str, days: int, **fields: Any) -> Application:
    return ApplicationFactory.create(
        applicant__name=name, submitted_at=timezone.now() - timedelta(days=days), **fields
    )


def test_without_a_choice_it_shows_what_waits_longest_first(console: Client) -> None:
    young, old = waiting("A", 1), waiting("B", 9)
    for state in set(ApplicationState) - set(REVIEW_STATES):
        ApplicationFactory.create(state=state)
    assert listed(console.get(QUEUE)) == [old, young]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("oldest", ["Cem", "Ada", "Bo"]),
        ("newest", ["Bo", "Ada", "Cem"]),
        ("name", ["Ada", "Bo", "Cem"]),
        ("country", ["Bo", "Cem", "Ada"]),
        ("nonsense", ["Cem", "Ada", "Bo"]),
    ],
)
def test_it_is_put_in_order(console: Client, order: str, names: list[str]) -> None:
    waiting("Ada", 2, country="SE")
    waiting("Bo", 1, country="DK")
    waiting("Cem", 3, country="NL")
    rows = listed(console.get(QUEUE, {"order": order}))
    assert [row.applicant_name for row in rows] == names


def test_it_is_narrowed_by_state_model_country_and_words(console: Client) -> None:
    model = HostedModelFactory.create()
    wanted = waiting("Ada Lovelace", 2, country="SE", models_wanted=[model])
    waiting("Bo", 2, country="DK", affiliation="Elsewhere")
    decided = ApplicationFactory.create(state=ApplicationState.REJECTED)
    found = {
        query: listed(console.get(QUEUE + query))
        for query in (
            "?state=rejected",
            f"?model={model.slug}",
            "?country=SE",
            "?q=lovelace",
            f"?q={wanted.case_number.lower()}",
            "?q=of+the+tests&state=submitted",
        )
    }
    (by_state, *others) = found.values()
    assert by_state == [decided]
    assert others == [[wanted]] * 5


def test_drafts_are_nobodys_business(console: Client) -> None:
    draft = ApplicationFactory.create(is_draft=True)
    assert listed(console.get(QUEUE, {"state": "all"})) == []
    assert console.get(f"/console/applications/{draft.case_number}/").status_code == 404


def test_ages_are_told_against_the_promised_days(console: Client) -> None:
    models = [HostedModelFactory.create(release__review_days=5)]
    waiting("Late", 15, models_wanted=models)
    waiting("New", 0, models_wanted=models)
    rows = console.get(QUEUE).context["rows"]
    assert [row.pace for row in rows] == [Pace.OVERDUE, Pace.ON_TIME]


def test_a_reviewer_sees_which_one_is_their_own(console: Client, reviewer: User) -> None:
    ApplicationFactory.create(applicant=reviewer)
    ApplicationFactory.create()
    rows = console.get(QUEUE, {"order": "newest"}).context["rows"]
    assert [row.is_own for row in rows] == [False, True]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_queue_asks_the_database_no_more_for_more_rows(
    console: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        ApplicationFactory.create(models_wanted=[HostedModelFactory.create()])
    with django_assert_num_queries(16):
        console.get(QUEUE)


@pytest.mark.parametrize("path", ["", "grants/", "grants/1/revoke/", "applications/GH-2026-0001/"])
def test_only_reviewers_enter(path: str, client: Client) -> None:
    url = f"/console/{path}"
    assert client.get(url)["Location"] == f"/account/login/?next={url}"
    for person in (UserFactory.create(), UserFactory.create(is_staff=True)):
        client.force_login(person)
        assert client.get(url).status_code == 403
