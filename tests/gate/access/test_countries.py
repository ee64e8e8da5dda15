"""The country rule: a listed country or a mismatch goes to a reviewer, and rejects no one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.country_list import read_country_list
from portal.gate.access.domain.desk.bulk import BULK_COMMANDS
from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.reviews import approve_application
from portal.gate.access.domain.screening.flags import review_country
from portal.gate.access.enums import ApplicationState, Capability, Command
from portal.gate.access.models import Application, Override, Step
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.core.http import connection_country
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import TYPED

pytestmark = pytest.mark.django_db
ENDS_AT = timezone.now() + timedelta(days=30)
LIST = """
version = "7"
source = "The tests"
[[country]]
code = "KP"
reason = "Embargo"
"""


@pytest.fixture(autouse=True)
def country_list(tmp_path: Path, settings: Settings) -> Path:
    path = tmp_path / "countries.toml"
    path.write_text(LIST)
    settings.COUNTRY_LIST = path
    return path


def approve(application: Application, by: User, *, override: str = "") -> Step:
    return approve_application(
        application,
        by=by,
        ends_at=ENDS_AT,
        models=list(application.models_wanted.all()),
        capabilities=[Capability.PLAYGROUND],
        override=override,
    )


@pytest.mark.parametrize(
    ("declared", "connected", "message"),
    [
        ("NL", "", ""),
        ("NL", "NL", ""),
        ("KP", "", "The declared country, North Korea, is listed: Embargo."),
        ("NL", "DE", "It was submitted from Germany, but Netherlands was declared."),
        (
            "NL",
            "KP",
            (
                "It was submitted from North Korea, but Netherlands was declared. "
                "North Korea is listed: Embargo."
            ),
        ),
    ],
)
def test_what_is_listed_or_differs_is_said_with_the_list_s_version(
    declared: str, connected: str, message: str
) -> None:
    application = ApplicationFactory.create(country=declared, connection_country=connected)
    found = review_country(application)
    assert [flag.message for flag in found] == ([message] if message else [])
    assert [flag.source for flag in found] == ["country list 7: The tests"] * bool(message)


def test_it_is_submitted_all_the_same_and_the_event_names_the_version(
    signed_applicant: User, answers: Callable[..., Answers]
) -> None:
    draft = open_draft(signed_applicant)
    submit_application(
        draft, by=signed_applicant, answers=answers(country="KP"), connection_country="DE"
    )
    draft.refresh_from_db()
    assert (draft.state, draft.connection_country) == (ApplicationState.SUBMITTED, "DE")
    event = AuditEvent.objects.get(tag=AuditTag.APPLICATION_SUBMITTED)
    assert event.data["country_review"] == {"country_list": "7"}


def test_it_is_approved_only_for_a_reason_that_is_kept(
    signed_applicant: User, reviewer: User, model: HostedModel
) -> None:
    application = ApplicationFactory.create(
        applicant=signed_applicant, country="KP", models_wanted=[model]
    )
    with pytest.raises(DomainError) as refused:
        approve(application, reviewer, override="  ")
    assert (refused.value.code, refused.value.field) == ("needs_override", "override")
    step = approve(application, reviewer, override="A diplomat, cleared by counsel.")
    kept = Override.objects.get()
    assert (kept.step, kept.codes, kept.list_version, kept.reason) == (
        step,
        ["country_review"],
        "7",
        "A diplomat, cleared by counsel.",
    )
    event = AuditEvent.objects.get(tag=AuditTag.CONCERN_OVERRIDDEN)
    assert event.data == {"codes": ["country_review"], "country_list": "7", "step": step.pk}


def test_each_of_two_reviewers_gives_a_reason(signed_applicant: User, model: HostedModel) -> None:
    HostedModel.objects.filter(pk=model.pk).update(tier=Tier.TWO_REVIEWERS)
    application = ApplicationFactory.create(
        applicant=signed_applicant, country="KP", models_wanted=[model]
    )
    first, second = UserFactory.create(is_reviewer=True), UserFactory.create(is_reviewer=True)
    assert approve(application, first, override="Cleared.").command == Command.ENDORSE
    with pytest.raises(DomainError) as refused:
        approve(application, second)
    assert refused.value.code == "needs_override"
    assert approve(application, second, override="Seen.").command == Command.APPROVE
    assert Override.objects.count() == 2


def test_a_reason_without_a_concern_leaves_no_trace(
    signed_applicant: User, reviewer: User, model: HostedModel
) -> None:
    application = ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    approve(application, reviewer, override="Just so.")
    assert Override.objects.count() == 0


def test_a_referee_who_is_required_and_silent_is_overridden_too(
    signed_applicant: User, reviewer: User, model: HostedModel
) -> None:
    HostedModel.objects.filter(pk=model.pk).update(requires_referee=True)
    application = ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    with pytest.raises(DomainError) as refused:
        approve(application, reviewer)
    assert refused.value.message.startswith(f"{model.name} requires a referee")
    approve(application, reviewer, override="I know her.")
    assert Override.objects.get().codes == ["referee_unconfirmed"]


def test_nothing_is_approved_in_bulk() -> None:
    assert {Command.APPROVE, Command.REJECT} & set(BULK_COMMANDS) == set()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version = 7", "Input should be a valid string"),
        ('version = "7"', "source: Field required"),
        (LIST.replace("KP", "kp"), "country.0.code: String should match pattern"),
        (LIST + LIST.split('"The tests"')[1], "KP is listed twice"),
        ("version", "Expected"),
    ],
)
def test_a_wrong_file_is_explained_in_a_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem) as refused:
        read_country_list(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        read_country_list(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("header", "proxies", "sent", "country"),
    [
        ("CF-IPCountry", 1, "de", "DE"),
        ("CF-IPCountry", 1, "XX", ""),
        ("CF-IPCountry", 1, "T1", ""),
        ("CF-IPCountry", 1, "", ""),
        ("CF-IPCountry", 0, "DE", ""),
        ("", 1, "DE", ""),
    ],
)
def test_the_header_is_believed_from_a_trusted_proxy_only(
    settings: Settings, header: str, proxies: int, sent: str, country: str
) -> None:
    settings.COUNTRY_HEADER, settings.TRUSTED_PROXIES = header, proxies
    request = RequestFactory().get("/", headers={"CF-IPCountry": sent})
    assert connection_country(request) == country


def test_the_pages_take_the_header_and_show_the_mismatch(
    client: Client, settings: Settings, signed_applicant: User, model: HostedModel, reviewer: User
) -> None:
    settings.COUNTRY_HEADER, settings.TRUSTED_PROXIES = "CF-IPCountry", 1
    client.force_login(signed_applicant)
    client.get("/access/apply/")
    typed = {**TYPED, "models_wanted": [model.slug]}
    client.post("/access/apply/submit/", typed, headers={"CF-IPCountry": "KP"})
    application = Application.objects.get()
    assert application.connection_country == "KP"
    client.force_login(reviewer)
    assert "Flagged" in client.get("/console/").content.decode()
    address = f"/console/applications/{application.case_number}/"
    assert "It was submitted from North Korea" in client.get(address).content.decode()
    form = {
        "approve-seen": application.revision,
        "approve-ends_on": f"{timezone.now() + timedelta(days=30):%Y-%m-%d}",
        "approve-models": [model.slug],
        "approve-capabilities": ["playground"],
    }
    refused = client.post(f"{address}approve/", form)
    assert (refused.status_code, "Say why you approve it" in refused.content.decode()) == (
        422,
        True,
    )
    client.post(f"{address}approve/", {**form, "approve-override": "On a journey."})
    application.refresh_from_db()
    assert application.state == ApplicationState.APPROVED
