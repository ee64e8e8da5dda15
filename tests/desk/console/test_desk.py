"""The desk's own pages: many at once, out of office, the denylist, and the hold on a page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.desk.claims import claim_application
from portal.gate.access.domain.process.reviews import reject_application
from portal.gate.access.enums import ApplicationState, Command
from portal.gate.access.models import Absence, Application, Denial, Step
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
NEXT_YEAR = str(date(timezone.now().year + 1, 3, 31))


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def page_of(application: Application, command: str = "") -> str:
    path = f"/console/applications/{application.case_number}/"
    return f"{path}{command}/" if command else path


@pytest.fixture
def model(db: None) -> HostedModel:
    return HostedModelFactory.create()


@pytest.fixture
def application(model: HostedModel) -> Application:
    return ApplicationFactory.create(models_wanted=[model])


def test_the_queue_is_narrowed_by_whose_desk_it_is_on(console: Client, reviewer: User) -> None:
    mine, others, free = ApplicationFactory.create_batch(3)
    claim_application(mine, by=reviewer)
    claim_application(others, by=UserFactory.create(is_reviewer=True))
    found = {
        claim: [
            row.application for row in console.get("/console/", {"claim": claim}).context["rows"]
        ]
        for claim in ("mine", "others", "free")
    }
    assert found == {"mine": [mine], "others": [others], "free": [free]}


def test_what_another_holds_offers_no_decision(console: Client, application: Application) -> None:
    claim_application(application, by=UserFactory.create(is_reviewer=True, name="Olga Other"))
    context = console.get(page_of(application)).context
    assert (context["can_decide"], context["claimant"].name) == (False, "Olga Other")
    refused = console.post(
        page_of(application, "return"), {"return-seen": 1, "return-note": "Say more."}
    )
    assert refused.status_code == 422
    (error,) = refused.context["forms"]["return"].errors["__all__"]
    assert error.startswith("Olga Other holds this application until ")
    assert refused.content.decode().count(error.partition(".")[0]) == 1


def test_a_preview_shows_the_mail_and_changes_nothing(
    console: Client, application: Application
) -> None:
    data = {
        "return-seen": 0,
        "return-note": "Say more.",
        "return-note_intended_use": "Which models?",
        "preview": "1",
    }
    response = console.post(page_of(application, "return"), data)
    letter = response.context["shown"].letter
    assert letter.subject == f"Your application {application.case_number} needs changes"
    assert letter.body.count("\nSay more.\n\nIntended use:\nWhich models?\n") == 1
    assert Step.objects.count() == 0


def test_a_held_decision_is_taken_back_on_its_page(
    console: Client, reviewer: User, application: Application, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    reject_application(application, by=reviewer, reason="Commercial.")
    context = console.get(page_of(application)).context
    assert (context["is_held"], context["offered"]) == (True, ["take_back"])
    response = console.post(page_of(application, "take_back"), {"take_back-seen": 1})
    assert said(response) == [
        (
            f"The decision on {application.case_number} is taken back. "
            f"{application.applicant_name} was not notified."
        )
    ]
    application.refresh_from_db()
    assert application.state == ApplicationState.IN_REVIEW


def test_many_at_once_are_shown_first_and_done_then(console: Client) -> None:
    rows = ApplicationFactory.create_batch(2)
    data = {
        "command": "claim",
        "cases": [f"{row.case_number}:0" for row in rows],
        "back": "/console/?claim=free",
    }
    tried = console.post("/console/bulk/", data)
    assert [outcome.application for outcome in tried.context["possible"]] == rows
    assert Step.objects.count() == 0
    done = console.post("/console/bulk/", {**data, "confirm": "1"})
    assert (done["Location"], said(done)) == ("/console/?claim=free", ["Claim: 2 applications."])
    assert Step.objects.filter(command=Command.CLAIM).count() == 2


@pytest.mark.parametrize(
    "data",
    [
        {"command": "approve", "cases": ["GH-1:0"]},
        {"command": "claim"},
        {"command": "claim", "cases": ["GH-1"]},
        {"command": "claim", "cases": ["GH-1:0"], "back": "https://elsewhere.example/"},
    ],
)
def test_nonsense_goes_back_to_the_queue(console: Client, data: dict[str, Any]) -> None:
    response = console.post("/console/bulk/", data | {"confirm": "1"})
    assert (response.status_code, response["Location"]) == (302, "/console/")


def test_leaving_the_office_and_coming_back(
    console: Client, reviewer: User, application: Application
) -> None:
    claim_application(application, by=reviewer)
    olga = UserFactory.create(is_reviewer=True, name="Olga Other")
    left = console.post("/console/absence/", {"until": NEXT_YEAR, "deputy": olga.pk})
    assert said(left) == ["You are out of office. Claims moved: 1."]
    application.refresh_from_db()
    assert application.claimed_by == olga
    console.post("/console/absence/", {"back": "1"})
    assert not Absence.objects.exists()


def test_putting_somebody_on_the_denylist_and_lifting_it(console: Client) -> None:
    person = UserFactory.create(email="ada@example.org")
    entry = {"reason": "Shared the weights.", "ends_on": NEXT_YEAR}
    unknown = console.post(
        "/console/denials/", {**entry, "kind": "person", "value": "nobody@example.org"}
    )
    assert unknown.context["form"].errors == {"value": ["No account here has this address."]}
    console.post("/console/denials/", {**entry, "kind": "person", "value": "ADA@example.org"})
    denial = Denial.objects.get()
    assert (denial.person, denial.value) == (person, "")
    lifted = console.post(f"/console/denials/{denial.pk}/", {"note": "Cleared up."})
    assert lifted.status_code == 302
    denial.refresh_from_db()
    assert denial.lift_note == "Cleared up."


def test_an_application_is_handed_over_on_its_page(
    console: Client, reviewer: User, application: Application
) -> None:
    olga = UserFactory.create(is_reviewer=True)
    claim_application(application, by=reviewer)
    data = {"hand_over-seen": 1, "hand_over-to": olga.pk, "hand_over-note": "Yours."}
    assert console.post(page_of(application, "hand_over"), data).status_code == 302
    application.refresh_from_db()
    assert application.claimed_by == olga
    assert application.claim_ends_at is not None
    assert application.claim_ends_at > timezone.now() + timedelta(hours=23)
