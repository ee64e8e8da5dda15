"""The same form open twice: text saved from one is not silently replaced from the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.process.applications import open_draft, withdraw_application
from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Absence, Application
from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.models import LicenceVersion
from portal.gate.teams.models import Team
from portal.gate.vouching.models import VouchRequest
from portal.platform.accounts.models import User
from portal.platform.notices.models import MailPreference
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.licensing import LicenceVersionFactory
from tests.gate.access.conftest import TYPED, model, reviewer, signed_applicant
from tests.page_forms import PageForm, find_form, read_forms

__all__ = ["model", "reviewer", "signed_applicant"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
APPLY, SAVE, SUBMIT = "/access/apply/", "/access/apply/save/", "/access/apply/submit/"
JSON = {"Accept": "application/json"}
TODAY = timezone.now().date()


@dataclass(frozen=True)
class Case:
    """A page with a form that replaces stored text, and the texts of two tabs."""

    person: User
    page: str
    first: dict[str, str]
    second: dict[str, str]
    saved: Callable[[], dict[str, str]]
    shown: str
    """The first tab's saved text, on the second tab's page."""
    action: str = ""

    def open(self, client: Client) -> PageForm:
        html = client.get(self.page).content.decode()
        return find_form(html, page=self.page, action=self.action or self.page)


def day(days: int) -> str:
    return f"{TODAY + timedelta(days=days):%Y-%m-%d}"


def said(days: int) -> str:
    return f"{TODAY + timedelta(days=days):%-d %B %Y}"


def name_case() -> Case:
    person = UserFactory.create()

    def saved() -> dict[str, str]:
        return {"name": User.objects.get(pk=person.pk).name}

    return Case(person, "/account/", {"name": "Ada"}, {"name": "Ada King"}, saved, "“Ada”")


def mail_case() -> Case:
    person = UserFactory.create(is_reviewer=True)
    MailPreference.objects.create(user=person, is_digest=False)

    def saved() -> dict[str, str]:
        is_digest = MailPreference.objects.get(user=person).is_digest
        return {"is_digest": "on"} if is_digest else {}

    return Case(person, "/notices/", {"is_digest": "on"}, {}, saved, "one mail a day")


def limits_case() -> Case:
    grant = GrantFactory.create()

    def saved() -> dict[str, str]:
        grant.refresh_from_db()
        return {"daily_tokens": str(grant.daily_tokens), "reason": "A course."}

    first = {"daily_tokens": "5000", "reason": "A course."}
    second = {"daily_tokens": "7000", "reason": "A course."}
    page = reverse("console:grant-limits", args=[grant.pk])
    return Case(UserFactory.create(is_reviewer=True), page, first, second, saved, "5,000 tokens")


def class_case() -> Case:
    grant = GrantFactory.create(ends_at=timezone.now() + timedelta(days=300))
    case = grant.application

    def saved() -> dict[str, str]:
        ends_at = Team.objects.get(application=case).class_ends_at
        return {"ends_on": f"{ends_at:%Y-%m-%d}"}

    page = reverse("teams:own", args=[case.case_number])
    action = reverse("teams:class", args=[case.case_number])
    first, second = {"ends_on": day(10)}, {"ends_on": day(20)}
    return Case(grant.user, page, first, second, saved, said(10), action)


def referee_case() -> Case:
    application = ApplicationFactory.create(state=ApplicationState.DRAFT)

    def saved() -> dict[str, str]:
        named = VouchRequest.objects.filter(application=application).latest("pk")
        return {"referee-email": named.email, **rest}

    rest = {"referee-name": "Rosalind", "referee-institution": "Example"}
    first, second = ({"referee-email": f"{who}@example.edu", **rest} for who in ("one", "two"))
    action = reverse("vouching:name", args=["referee"])
    page = reverse("vouching:own")
    return Case(application.applicant, page, first, second, saved, "one@example.edu", action)


def absence_case() -> Case:
    person = UserFactory.create(is_reviewer=True)

    def saved() -> dict[str, str]:
        return {"until": f"{Absence.objects.get(reviewer=person).until:%Y-%m-%d}"}

    page = reverse("console:absence")
    return Case(person, page, {"until": day(3)}, {"until": day(9)}, saved, said(3))


def roles_case() -> Case:
    person = UserFactory.create(is_active=True, name="Ada")
    page = reverse("admin:accounts_user_change", args=[person.pk])

    def saved() -> dict[str, str]:
        person.refresh_from_db()
        roles = ("is_active", "is_reviewer", "is_auditor", "is_staff")
        return {"name": person.name, **{role: "on" for role in roles if getattr(person, role)}}

    first = {"name": "Ada", "is_active": "on", "is_reviewer": "on"}
    second = {"name": "Ada", "is_active": "on", "is_auditor": "on"}
    operator = UserFactory.create(is_staff=True)
    return Case(operator, page, first, second, saved, "a reviewer")


def serving_case() -> Case:
    model = HostedModelFactory.create(status="live", deployment="zero")
    page = reverse("admin:catalog_hostedmodel_change", args=[model.pk])

    def saved() -> dict[str, str]:
        model.refresh_from_db()
        return {"status": model.status, "deployment": model.deployment, "tier": model.tier}

    tier = model.tier
    first = {"status": "live", "deployment": "one", "tier": tier}
    second = {"status": "live", "deployment": "two", "tier": tier}
    return Case(UserFactory.create(is_staff=True), page, first, second, saved, "“one”")


@pytest.mark.parametrize(
    "make",
    [
        name_case,
        mail_case,
        limits_case,
        class_case,
        referee_case,
        absence_case,
        roles_case,
        serving_case,
    ],
)
def test_a_stale_tab_replaces_nothing_unseen(client: Client, make: Callable[[], Case]) -> None:
    case = make()
    client.force_login(case.person)
    one, two = case.open(client), case.open(client)

    assert client.post(one.action, carry(one, case.first)).status_code == 302
    refused = client.post(two.action, carry(two, case.second))

    html = refused.content.decode()
    assert (refused.status_code in (200, 409, 422), case.saved()) == (True, case.first)
    assert case.shown in html
    again = find_form(html, page=two.action, action=two.action)
    assert {name: again.fields.get(name, [""])[0] for name in case.second} == case.second
    assert client.post(again.action, carry(again, case.second)).status_code == 302
    assert case.saved() == case.second


def carry(form: PageForm, written: dict[str, str]) -> dict[str, Any]:
    """The form's hidden fields, and the text."""
    hidden = {name: form.fields[name] for name in form.fields if name.endswith("seen")}
    return {**hidden, **written}


class Tab:
    """One tab with the application form open."""

    def __init__(self, client: Client) -> None:
        self.client = client
        html = client.get(APPLY).content.decode()
        self.form = find_form(html, page=APPLY, action=SUBMIT)

    def data(self, **changes: Any) -> dict[str, Any]:
        return {**self.form.fields, **changes}

    def autosave(self, **changes: str) -> tuple[int, dict[str, Any]]:
        sent = {name: self.form.fields[name] for name in ("case", "seen")}
        data = {**sent, "changed": list(changes), **changes}
        answer = self.client.post(SAVE, data, headers=JSON)
        return answer.status_code, answer.json()


@pytest.fixture
def applicant(client: Client, signed_applicant: User) -> User:
    client.force_login(signed_applicant)
    return signed_applicant


def saved_draft(person: User) -> dict[str, Any]:
    return dict(open_draft(person).draft)


def test_a_stale_draft_shows_both_texts_and_keeps_what_was_saved(
    client: Client, applicant: User
) -> None:
    one, two = Tab(client), Tab(client)
    assert one.autosave(intended_use="Measuring calibration")[0] == 200

    refused = client.post(SAVE, two.data(intended_use="Measuring <b>bias</b>", position="Student"))

    html = refused.content.decode()
    assert refused.status_code == 409
    assert saved_draft(applicant) == {"intended_use": "Measuring calibration"}
    assert "<del>calibration</del><ins>&lt;b&gt;bias&lt;/b&gt;</ins>" in html
    again = find_form(html, page=SAVE, action=SUBMIT)
    assert again.fields["intended_use"] == ["Measuring <b>bias</b>"]
    client.post(SAVE, again.fields)
    assert saved_draft(applicant)["intended_use"] == "Measuring <b>bias</b>"
    assert saved_draft(applicant)["position"] == "Student"


def test_the_saved_text_can_be_taken_instead(client: Client, applicant: User) -> None:
    one, two = Tab(client), Tab(client)
    one.autosave(intended_use="Measuring calibration")
    html = client.post(
        SAVE, two.data(intended_use="Measuring bias", position="Student")
    ).content.decode()
    again = find_form(html, page=SAVE, action=SUBMIT)
    assert ("take", "intended_use", SAVE) in again.buttons

    client.post(SAVE, {**again.fields, "take": "intended_use"})

    draft = saved_draft(applicant)
    assert (draft["intended_use"], draft["position"]) == ("Measuring calibration", "Student")


def test_two_tabs_that_write_in_different_fields_disturb_neither(
    client: Client, applicant: User
) -> None:
    one, two = Tab(client), Tab(client)

    assert [one.autosave(position="Student")[0], two.autosave(affiliation="Here")[0]] == [200, 200]

    assert saved_draft(applicant) == {"position": "Student", "affiliation": "Here"}


def test_a_tab_that_saves_as_it_goes_is_told_where_it_stands(
    client: Client, applicant: User
) -> None:
    one, two = Tab(client), Tab(client)
    status, answer = one.autosave(position="Student")
    assert status == 200
    seen = answer["seen"]
    assert isinstance(seen, dict)
    one.form.fields["seen"] = [f"position:{seen['position']}"]

    assert one.autosave(position="Student of physics")[0] == 200

    status, answer = two.autosave(position="Lecturer")
    assert (status, answer["error"]["code"]) == (409, "saved_meanwhile")
    assert saved_draft(applicant) == {"position": "Student of physics"}


def test_submitting_a_stale_tab_hands_in_nothing(
    client: Client, applicant: User, model: HostedModel
) -> None:
    typed = {**TYPED, "models_wanted": [model.slug]}
    one, two = Tab(client), Tab(client)
    one.autosave(intended_use="Measuring calibration")

    refused = client.post(SUBMIT, two.data(**typed))

    assert refused.status_code == 409
    assert open_draft(applicant).state == ApplicationState.DRAFT
    again = find_form(refused.content.decode(), page=SUBMIT, action=SUBMIT)
    assert client.post(SUBMIT, again.fields).status_code == 302
    assert Application.objects.get().state == ApplicationState.SUBMITTED


def test_a_withdrawn_application_is_not_submitted_anew(
    client: Client, applicant: User, model: HostedModel
) -> None:
    typed = {**TYPED, "models_wanted": [model.slug]}
    stale = Tab(client)
    withdrawn = open_draft(applicant)
    withdraw_application(withdrawn, by=applicant)

    refused = client.post(SUBMIT, stale.data(**typed))

    html = refused.content.decode()
    assert refused.status_code == 409
    assert f"{withdrawn.case_number} is withdrawn" in html
    assert not Application.objects.filter(state=ApplicationState.SUBMITTED).exists()
    again = find_form(html, page=SUBMIT, action=SUBMIT)
    assert again.fields["intended_use"] == [TYPED["intended_use"]]
    assert client.post(SUBMIT, again.fields).status_code == 302
    assert Application.objects.get(state=ApplicationState.SUBMITTED) != withdrawn


def test_autosaving_for_a_withdrawn_application_begins_none(
    client: Client, applicant: User
) -> None:
    stale = Tab(client)
    withdraw_application(open_draft(applicant), by=applicant)

    status, answer = stale.autosave(position="Student")

    assert (status, answer["error"]["code"]) == (409, "application_closed")
    assert Application.objects.count() == 1


def test_text_for_an_application_that_waits_is_shown_where_that_is_said(
    client: Client, applicant: User, model: HostedModel
) -> None:
    typed = {**TYPED, "models_wanted": [model.slug]}
    one, two = Tab(client), Tab(client)
    assert client.post(SUBMIT, one.data(**typed)).status_code == 302

    answer = client.post(SUBMIT, two.data(**{**typed, "intended_use": "An afterthought."}))

    assert answer.headers["Location"] == "/access/"
    html = client.get("/access/").content.decode()
    assert "is with the reviewers" in html
    assert "An afterthought." in html


def test_a_licence_is_not_published_over_a_version_that_was_not_seen(client: Client) -> None:
    licence = LicenceVersionFactory.create().licence
    client.force_login(UserFactory.create(is_staff=True))
    page = reverse("admin:licensing_licenceversion_add")
    one, two = (find_form(client.get(page).content.decode(), page=page, action=page) for _ in "12")
    common = {"licence": str(licence.pk), "grace_days": ["30"], "changes": "Clearer."}

    assert client.post(page, {**one.fields, **common, "text": "# Second"}).status_code == 302
    refused = client.post(page, {**two.fields, **common, "text": "# Third"})

    html = refused.content.decode()
    assert (refused.status_code, "version 2 is the newest" in html) == (200, True)
    assert LicenceVersion.objects.filter(licence=licence).count() == 2
    again = find_form(html, page=page, action=page)
    assert again.fields["text"] == ["# Third"]
    assert client.post(page, again.fields).status_code == 302
    assert LicenceVersion.objects.filter(licence=licence).count() == 3


def test_a_form_of_the_page_is_found_once(client: Client, applicant: User) -> None:
    forms = read_forms(client.get(APPLY).content.decode(), page=APPLY)
    assert [form.action for form in forms].count(SUBMIT) == 1
