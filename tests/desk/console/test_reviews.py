from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.domain.process.remarks import write_remark
from portal.gate.access.domain.process.reviews import approve_application, reject_application
from portal.gate.access.enums import ApplicationState, Capability, Command
from portal.gate.access.models import Application
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import compose
from portal.platform.notices.models import Notice
from tests.factories.access import ApplicationFactory, GrantFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.licensing import SignatureFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(db: None) -> HostedModel:
    return HostedModelFactory.create()


@pytest.fixture
def application(model: HostedModel) -> Application:
    return ApplicationFactory.create(models_wanted=[model])


def page_of(application: Application, command: str = "") -> str:
    path = f"/console/applications/{application.case_number}/"
    return f"{path}{command}/" if command else path


def approval(application: Application, **changes: Any) -> dict[str, Any]:
    values = {
        "seen": application.revision,
        "ends_on": str(timezone.now().date() + timedelta(days=30)),
        "models": [model.slug for model in application.models_wanted.all()],
        "capabilities": ["playground"],
        **changes,
    }
    return {f"approve-{name}": value for name, value in values.items()}


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_page_begins_with_what_was_asked_for_and_the_usual_end(
    console: Client, application: Application, model: HostedModel
) -> None:
    form = console.get(page_of(application)).context["forms"]["approve"]
    assert form.initial == {
        "seen": 0,
        "ends_on": timezone.now().date() + timedelta(days=settings.GRANT_DEFAULT_DAYS),
        "models": [model.slug],
        "capabilities": ["playground", "api"],
    }


def test_the_dossier_tells_facts_with_their_sources(
    console: Client, application: Application, model: HostedModel
) -> None:
    applicant = application.applicant
    Application.objects.filter(pk=application.pk).update(orcid="0000-0002-1825-0097")
    earlier = ApplicationFactory.create(applicant=applicant, state=ApplicationState.REJECTED)
    grant = GrantFactory.create(user=applicant, application=earlier)
    signature = SignatureFactory.create(user=applicant)
    dossier = console.get(page_of(application)).context["dossier"]
    facts = {fact.label: (fact.source, fact.is_confirmed) for fact in dossier.facts}
    assert facts == {
        "Name": ("typed at sign-up", False),
        "E-mail": ("confirmed by a link sent to it", True),
        "E-mail domain": ("on no list", False),
        "Affiliation": ("typed; not on this site's list", False),
        "ORCID iD": ("typed, not confirmed", False),
        "Account since": ("this site's record", True),
        "Legal name": ("typed when signing the licence", False),
    }
    assert (dossier.earlier, dossier.grants, dossier.signatures) == (
        (earlier,),
        (grant,),
        (signature,),
    )


def test_an_orcid_that_orcid_confirmed_is_told_apart(
    console: Client, application: Application
) -> None:
    orcid = "0000-0002-1825-0097"
    Application.objects.filter(pk=application.pk).update(orcid=orcid, is_orcid_verified=True)
    SocialAccount.objects.create(user=application.applicant, provider="orcid", uid=orcid)
    dossier = console.get(page_of(application)).context["dossier"]
    (fact,) = [fact for fact in dossier.facts if fact.label == "ORCID iD"]
    assert (fact.source, fact.is_confirmed) == ("confirmed by signing in at ORCID", True)


def test_approving_gives_access_through_the_last_second_of_the_day(
    console: Client, application: Application
) -> None:
    ends_on = date(timezone.now().year + 1, 3, 31)
    response = console.post(
        page_of(application, "approve"), approval(application, ends_on=str(ends_on))
    )
    assert (response.status_code, response["Location"]) == (302, page_of(application))
    assert said(response) == [
        (
            f"{application.case_number} is approved. {application.applicant_name} gets a "
            "mail now and can then begin."
        )
    ]
    (grant,) = application.grants.all()
    assert grant.ends_at == datetime(ends_on.year, 3, 31, 23, 59, 59, tzinfo=UTC)


def test_an_end_in_the_past_names_the_field_and_keeps_the_rest(
    console: Client, application: Application
) -> None:
    response = console.post(
        page_of(application, "approve"),
        approval(application, ends_on="2020-01-01", note="Welcome"),
    )
    form = response.context["forms"]["approve"]
    assert response.status_code == 422
    assert form.errors == {"ends_on": ["The end date must be in the future."]}
    assert (form["note"].value(), response.context["open_command"]) == ("Welcome", "approve")


@pytest.mark.parametrize(
    ("command", "field", "state", "errors"),
    [
        ("return", "note", ApplicationState.RETURNED, {"note"}),
        ("reject", "reason", ApplicationState.REJECTED, {"reason", "reason_code"}),
    ],
)
def test_returning_and_rejecting_need_words(
    console: Client,
    application: Application,
    command: str,
    field: str,
    state: str,
    errors: set[str],
) -> None:
    url = page_of(application, command)
    silent = console.post(url, {f"{command}-seen": 0})
    assert (silent.status_code, set(silent.context["forms"][command].errors)) == (422, errors)
    words = {f"{command}-{field}": "Because.", f"{command}-reason_code": "other"}
    spoken = console.post(url, {f"{command}-seen": 0, **words})
    assert spoken.status_code == 302
    application.refresh_from_db()
    assert application.state == state


def test_who_comes_second_is_told_who_came_first_and_keeps_their_words(
    console: Client, application: Application
) -> None:
    ben = UserFactory.create(is_reviewer=True, name="Ben")
    reject_application(Application.objects.get(pk=application.pk), by=ben, reason="Commercial.")
    response = console.post(
        page_of(application, "return"), {"return-seen": 0, "return-note": "My note"}
    )
    assert response.status_code == 409
    (message,) = said(response)
    assert message.startswith(
        "Nothing was changed. This application is now “rejected”: rejected by Ben on "
    )
    assert response.context["forms"]["return"]["note"].value() == "My note"


def test_a_text_that_changed_under_the_reader_is_shown_before_it_is_decided(
    console: Client, application: Application
) -> None:
    Application.objects.filter(pk=application.pk).update(revision=2)
    StepFactory.create(application=application)
    data = approval(application, seen=0)
    first = console.post(page_of(application, "approve"), data)
    assert first.status_code == 409
    assert first.context["forms"]["approve"]["seen"].value() == "2"
    second = console.post(page_of(application, "approve"), {**data, "approve-seen": 2})
    assert second.status_code == 302


def test_ones_own_application_is_not_ones_to_decide(
    console: Client, reviewer: User, model: HostedModel
) -> None:
    own = ApplicationFactory.create(applicant=reviewer, models_wanted=[model])
    shown = console.get(page_of(own))
    assert (shown.context["is_own"], shown.context["can_decide"]) == (True, False)
    assert shown.content.decode().count("You cannot decide on this.") == 1
    forced = console.post(page_of(own, "approve"), approval(own))
    assert forced.status_code == 422
    assert forced.context["forms"]["approve"].errors == {
        "__all__": ["This is your own application. Another reviewer decides."]
    }
    own.refresh_from_db()
    assert own.state == ApplicationState.SUBMITTED


def test_a_first_approval_says_that_a_second_is_needed(console: Client) -> None:
    application = ApplicationFactory.create(
        models_wanted=[HostedModelFactory.create(tier=Tier.TWO_REVIEWERS)]
    )
    response = console.post(page_of(application, "approve"), approval(application))
    assert said(response) == [
        (
            f"Your approval of {application.case_number} is recorded. A second reviewer must "
            "agree before access opens."
        )
    ]
    assert application.steps.get().command == Command.ENDORSE


def guarded_application() -> Application:
    return ApplicationFactory.create(
        models_wanted=[HostedModelFactory.create(tier=Tier.TWO_REVIEWERS)]
    )


def preview_approval(console: Client, application: Application, **changes: Any) -> Any:
    data = {**approval(application, **changes), "preview": "1"}
    return console.post(page_of(application, "approve"), data)


def test_the_preview_of_a_first_approval_announces_none(console: Client) -> None:
    application = guarded_application()
    response = preview_approval(console, application)
    assert (response.status_code, response.context["shown"].letter) == (200, None)
    assert response.content.decode().count("No mail is sent yet.") == 1
    assert (application.steps.count(), application.endorsements.count()) == (0, 0)


def test_whoever_approved_first_is_not_asked_again(console: Client) -> None:
    application = guarded_application()
    console.post(page_of(application, "approve"), approval(application))
    page = console.get(page_of(application))
    text = page.content.decode()
    assert page.context["waits_for_second"] is True
    assert text.count("You have approved. Another reviewer must agree") == 1
    assert text.count('data-decision="approve"') == 0
    # A tab that was opened earlier.
    late = console.post(page_of(application, "approve"), approval(application, seen=1))
    assert late.status_code == 422
    assert late.content.decode().count("You have already approved this.") == 1


def test_what_asks_for_one_reviewer_stays_open_to_whoever_approved_the_rest(
    console: Client, model: HostedModel
) -> None:
    guarded = HostedModelFactory.create(tier=Tier.TWO_REVIEWERS)
    application = ApplicationFactory.create(models_wanted=[model, guarded])
    data = approval(application, models=[guarded.slug])
    console.post(page_of(application, "approve"), data)
    form = console.get(page_of(application)).context["forms"]["approve"]
    assert list(form.fields["models"].queryset) == [model]


def test_wider_terms_of_another_can_be_agreed_to_by_whoever_was_first(
    console: Client, reviewer: User
) -> None:
    application = guarded_application()
    models = list(application.models_wanted.all())
    for by, days in ((reviewer, 30), (UserFactory.create(is_reviewer=True), 60)):
        application.refresh_from_db()
        approve_application(
            application,
            by=by,
            models=models,
            capabilities=[Capability.PLAYGROUND],
            ends_at=timezone.now() + timedelta(days=days),
        )
    page = console.get(page_of(application))
    assert page.context["waits_for_second"] is False
    data = approval(application, seen=2, ends_on=str(timezone.now().date() + timedelta(days=20)))
    assert console.post(page_of(application, "approve"), data).status_code == 302
    application.refresh_from_db()
    assert application.state == ApplicationState.APPROVED


@pytest.mark.parametrize("asks", ["preview", "confirm"])
@pytest.mark.parametrize(
    ("days", "error"),
    [
        (-1, "The end date must be in the future."),
        (2000, "The end date must be within five years."),
    ],
)
def test_a_preview_refuses_the_end_that_the_command_refuses(
    console: Client, application: Application, asks: str, days: int, error: str
) -> None:
    data = approval(application, ends_on=str(timezone.now().date() + timedelta(days=days)))
    response = console.post(page_of(application, "approve"), {**data, asks: "1"})
    assert response.status_code == 422
    assert response.context["forms"]["approve"].errors == {"ends_on": [error]}


def test_a_preview_is_refused_where_the_command_is(
    console: Client, application: Application, reviewer: User, model: HostedModel
) -> None:
    """By whom, in which state, and against what was read."""
    own = ApplicationFactory.create(applicant=reviewer, models_wanted=[model])
    assert preview_approval(console, own).status_code == 422
    assert preview_approval(console, application, seen=7).status_code == 409
    for command, data in (
        ("return", {"return-seen": 0, "return-note": " "}),
        ("reject", {"reject-seen": 0, "reject-reason_code": "other", "reject-reason": " "}),
    ):
        answer = console.post(page_of(application, command), {**data, "preview": "1"})
        assert answer.status_code == 422
    reject_application(application, by=reviewer, reason="Commercial.")
    assert preview_approval(console, application).status_code == 409


def test_the_preview_is_the_mail_that_leaves(
    console: Client, application: Application, mailoutbox: list[object]
) -> None:
    letter = preview_approval(console, application, note="Good luck.").context["shown"].letter
    console.post(page_of(application, "approve"), approval(application, note="Good luck."))
    notice = Notice.objects.get(kind="access.approve")
    assert compose(notice)
    assert (letter.subject, letter.body) == (notice.subject, notice.body)


@pytest.mark.parametrize(
    ("legal_name", "warning"),
    [
        ("Ada Lovelace", ""),
        ("LOVELACE, Ada", ""),
        ("Ada King", "Differs from “Ada Lovelace”"),
        ("Ada Augusta Lovelace", "Differs from “Ada Lovelace”"),
    ],
)
def test_a_legal_name_that_differs_from_the_accounts_is_marked(
    console: Client, model: HostedModel, legal_name: str, warning: str
) -> None:
    applicant = UserFactory.create(name="Ada Lovelace")
    SignatureFactory.create(user=applicant, legal_name=legal_name)
    application = ApplicationFactory.create(
        applicant=applicant, applicant_name="Ada Lovelace", models_wanted=[model]
    )
    page = console.get(page_of(application))
    (fact,) = [fact for fact in page.context["facts"] if fact.label == "Legal name"]
    assert (fact.value, fact.warning) == (legal_name, warning)
    assert page.content.decode().count('badge--warning">Differs from') == bool(warning)


def test_the_second_reviewer_begins_with_the_terms_of_the_first(console: Client) -> None:
    model = HostedModelFactory.create(tier=Tier.TWO_REVIEWERS)
    application = ApplicationFactory.create(models_wanted=[model])
    ends_at = datetime(timezone.now().year + 1, 5, 1, 23, 59, 59, tzinfo=UTC)
    approve_application(
        application,
        by=UserFactory.create(is_reviewer=True),
        models=[model],
        capabilities=[Capability.API],
        ends_at=ends_at,
    )
    initial = console.get(page_of(application)).context["forms"]["approve"].initial
    assert (initial["ends_on"], initial["capabilities"]) == (ends_at.date(), ["api"])
    data = approval(application, seen=1, ends_on=str(ends_at.date()), capabilities=["api"])
    assert console.post(page_of(application, "approve"), data).status_code == 302
    application.refresh_from_db()
    assert application.state == ApplicationState.APPROVED


def test_decisions_are_posted_and_known(console: Client, application: Application) -> None:
    assert console.get(page_of(application, "approve")).status_code == 405
    assert console.post(page_of(application, "submit")).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_asks_the_database_no_more_for_a_longer_past(
    console: Client,
    application: Application,
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(rows):
        StepFactory.create(application=application)
        GrantFactory.create(user=application.applicant)
        SignatureFactory.create(user=application.applicant)
        write_remark(application, by=UserFactory.create(is_reviewer=True), text="New to me.")
    # Of these the remarks, who may read them, and the colleagues to ask take four.
    with django_assert_num_queries(50):
        console.get(page_of(application))
