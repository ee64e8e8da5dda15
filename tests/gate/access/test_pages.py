"""The applicant's pages, as a browser gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.domain.process.applications import open_draft
from portal.gate.access.domain.process.reviews import reject_application, return_application
from portal.gate.access.domain.rights.grants import suspend_grant
from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.core.fingerprints import fingerprint
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import TYPED

pytestmark = pytest.mark.django_db
APPLY = "/access/apply/"
SAVE = "/access/apply/save/"
SUBMIT = "/access/apply/submit/"
STATUS = "/access/"


@pytest.fixture
def browser(signed_applicant: User, client: Client) -> Client:
    client.force_login(signed_applicant)
    return client


def typed(model: HostedModel, **changes: Any) -> dict[str, Any]:
    return {**TYPED, "models_wanted": [model.slug], **changes}


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def current_stage(response: Any) -> tuple[str, list[str]]:
    stage = response.context["journey"].current
    return stage.title, [step.url for step in stage.steps]


# --- Status ---------------------------------------------------------------------------


def test_a_newcomer_is_sent_to_the_licence_first(client: Client, model: HostedModel) -> None:
    client.force_login(UserFactory.create())
    response = client.get(STATUS)
    url = reverse("licensing:sign", args=[model.release.licence.slug])
    assert current_stage(response) == ("Read and sign the licence", [url])


def test_who_has_signed_is_sent_to_apply(browser: Client) -> None:
    assert current_stage(browser.get(STATUS)) == ("Apply", [APPLY])


def test_who_waits_is_told_by_when(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    monday = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    ApplicationFactory.create(
        applicant=signed_applicant, models_wanted=[model], submitted_at=monday
    )
    with time_machine.travel(monday + timedelta(hours=1), tick=False):
        response = browser.get(STATUS)
    assert current_stage(response) == ("Review", [])
    assert response.context["expected_by"] == monday + timedelta(days=7)
    assert response.context["acts_next"] == "a reviewer"


def test_who_was_refused_reads_the_reason_and_the_way_on(
    browser: Client, signed_applicant: User, model: HostedModel, reviewer: User
) -> None:
    application = ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    reject_application(application, by=reviewer, reason="A commercial use.")
    response = browser.get(STATUS)
    assert current_stage(response) == ("Apply", [APPLY])
    entries = [(entry.title, entry.who, entry.note) for entry in response.context["history"]]
    assert entries == [("Rejected", "a reviewer", "A commercial use.")]
    assert reviewer.name not in response.content.decode()


def test_who_has_access_is_led_to_the_playground(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    GrantFactory.create(user=signed_applicant, model=model)
    response = browser.get(STATUS)
    assert current_stage(response) == ("Use the models", [reverse("playground:editor")])


def test_who_is_suspended_reads_why(
    browser: Client, signed_applicant: User, model: HostedModel, reviewer: User
) -> None:
    grant = GrantFactory.create(user=signed_applicant, model=model)
    suspend_grant(grant, by=reviewer, reason="A question.")
    response = browser.get(STATUS)
    assert current_stage(response) == ("Use the models", [])
    (shown,) = response.context["grants"]
    assert shown.reason == "A question."


@pytest.mark.parametrize("rows", [1, 3])
def test_the_status_page_asks_the_database_no_more_for_more_rows(
    rows: int,
    browser: Client,
    signed_applicant: User,
    model: HostedModel,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    GrantFactory.create_batch(rows, user=signed_applicant, model__release=model.release)
    with django_assert_num_queries(28):
        browser.get(STATUS)


# --- The form -------------------------------------------------------------------------


def test_opening_the_form_shows_what_was_typed_before(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    browser.post(SAVE, typed(model, orcid="wrong", country="", affiliation=""))
    form = browser.get(APPLY).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    assert shown == typed(model, orcid="wrong", country="", affiliation="")


def test_the_page_saves_only_the_fields_that_changed(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    browser.post(SAVE, typed(model))
    with time_machine.travel(datetime(2026, 11, 23, 12, 3, tzinfo=UTC), tick=False):
        response = browser.post(
            SAVE,
            {"changed": ["orcid", "capabilities"], "orcid": "not yet"},
            headers={"Accept": "application/json"},
        )
    assert json.loads(response.content) == {
        "saved_at": "2026-11-23T12:03:00+00:00",
        "seen": {"orcid": fingerprint("not yet"), "capabilities": ""},
    }
    draft = open_draft(signed_applicant).draft
    assert draft == typed(model, orcid="not yet", capabilities=[])


def test_saving_without_a_script_comes_back_to_the_form(
    browser: Client, model: HostedModel
) -> None:
    response = browser.post(SAVE, typed(model))
    assert (response.status_code, response["Location"]) == (302, APPLY)


def test_saving_when_signed_out_says_so_to_the_script(client: Client) -> None:
    response = client.post(SAVE, {}, headers={"Accept": "application/json"})
    assert response.status_code == 401
    assert json.loads(response.content) == {
        "error": {
            "code": "not_signed_in",
            "message": "Sign in to do this.",
            "next_step": {"label": "Sign in", "url": "/account/login/?next=/access/apply/"},
        }
    }


def test_saving_what_is_already_submitted_says_so_to_the_script(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    response = browser.post(SAVE, typed(model), headers={"Accept": "application/json"})
    assert response.status_code == 409
    assert json.loads(response.content)["error"]["code"] == "application_pending"


def test_submitting_names_every_field_at_fault_and_keeps_the_rest(
    browser: Client, signed_applicant: User
) -> None:
    response = browser.post(SUBMIT, {"orcid": "0000-0002-1825-0098", "position": "Kept"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {
        "affiliation",
        "country",
        "orcid",
        "homepage",
        "intended_use",
        "models_wanted",
        "capabilities",
        "data_handling",
        "others_with_access",
    }
    draft = open_draft(signed_applicant)
    assert (draft.state, draft.draft["position"]) == (ApplicationState.DRAFT, "Kept")


def test_submitting_a_whole_application_gives_a_case_number(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    response = browser.post(SUBMIT, typed(model))
    assert (response.status_code, response["Location"]) == (302, STATUS)
    application = Application.objects.get(applicant=signed_applicant)
    assert application.state == ApplicationState.SUBMITTED
    assert said(response) == [
        (
            f"Submitted. Your case number is {application.case_number}; "
            f"a receipt is on its way to {signed_applicant.email}."
        )
    ]


def test_name_and_address_come_from_the_account_whatever_the_browser_sends(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    browser.post(
        SUBMIT, typed(model, applicant_name="Somebody Else", applicant_email="else@example.org")
    )
    application = Application.objects.get(applicant=signed_applicant)
    assert (application.applicant_name, application.applicant_email) == (
        signed_applicant.name,
        signed_applicant.email,
    )


def test_submitting_without_the_licence_links_to_it_and_keeps_the_draft(
    client: Client, model: HostedModel
) -> None:
    user = UserFactory.create()
    client.force_login(user)
    response = client.post(SUBMIT, typed(model))
    slug = model.release.licence.slug
    assert response.status_code == 422
    assert response.context["refusal"].next_url == f"/licence/{slug}/sign/"
    assert open_draft(user).draft == typed(model)


def test_changing_a_waiting_application_is_turned_away_kindly(
    browser: Client, signed_applicant: User, model: HostedModel
) -> None:
    waiting = ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    response = browser.get(APPLY)
    assert response["Location"] == STATUS
    assert said(response) == [
        (
            f"Your application {waiting.case_number} is with the reviewers. "
            "To change it, withdraw it first."
        )
    ]


def test_the_notes_of_the_reviewer_stand_above_a_returned_form(
    browser: Client, signed_applicant: User, model: HostedModel, reviewer: User
) -> None:
    application = ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    return_application(application, by=reviewer, note="Say <b>more</b>.")
    response = browser.get(APPLY)
    assert response.context["returned"].note == "Say <b>more</b>."
    assert response.content.decode().count("Say &lt;b&gt;more&lt;/b&gt;.") == 1


# --- One application ------------------------------------------------------------------


@pytest.fixture
def mine(signed_applicant: User, model: HostedModel) -> Application:
    return ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])


def pages_of(application: Application) -> Iterator[str]:
    for name in ("application", "withdraw"):
        yield reverse(f"access:{name}", args=[application.case_number])


def test_the_pages_of_another_are_not_there(mine: Application, client: Client) -> None:
    client.force_login(UserFactory.create())
    answers = [client.get(url).status_code for url in pages_of(mine)]
    posted = [client.post(url).status_code for url in pages_of(mine)]
    assert (answers, posted) == ([404, 404], [405, 404])
    mine.refresh_from_db()
    assert mine.state == ApplicationState.SUBMITTED


def test_withdrawing_asks_once_more(browser: Client, mine: Application) -> None:
    url = reverse("access:withdraw", args=[mine.case_number])
    assert browser.get(url).status_code == 200
    mine.refresh_from_db()
    assert mine.state == ApplicationState.SUBMITTED
    assert browser.post(url)["Location"] == STATUS
    mine.refresh_from_db()
    assert mine.state == ApplicationState.WITHDRAWN


def test_the_copy_shows_what_was_submitted_and_not_the_draft(
    browser: Client, mine: Application
) -> None:
    Application.objects.filter(pk=mine.pk).update(draft={"affiliation": "Half an edit"})
    page = browser.get(reverse("access:application", args=[mine.case_number])).content.decode()
    assert (page.count("University of the Tests"), page.count("Half an edit")) == (1, 0)


def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    assert client.get(STATUS)["Location"] == "/account/login/?next=/access/"
