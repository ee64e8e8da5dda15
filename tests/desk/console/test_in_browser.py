"""A reviewer's day, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.enums import ApplicationState, Capability, GrantState
from portal.gate.access.models import Application, Ruling, Step
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.notices.domain.sending import send_due
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import Notice
from tests.e2e.browser import judge, launched_browser, open_page
from tests.factories.access import ApplicationFactory, StepFactory
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.access.conftest import TYPED, sign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def context(django_db_setup: None) -> Iterator[BrowserContext]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as chromium:
            yield chromium.new_context(
                color_scheme="light", viewport={"width": 1280, "height": 900}
            )


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer) -> Iterator[Page]:
    context.clear_cookies()
    complaints: list[str] = []
    page = open_page(context, complaints)
    yield page
    page.close()
    assert complaints == []


@pytest.fixture(autouse=True)
def _ten_minutes(settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = 600


def enter(page: Page, live_server: LiveServer, user: User) -> None:
    """Sign in as another person."""
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/account/login/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


def submit(applicant: User, model: HostedModel, **changes: Any) -> Application:
    application = open_draft(applicant)
    values = {**TYPED, "models": (model,), "capabilities": (Capability.PLAYGROUND,), **changes}
    submit_application(application, by=applicant, answers=Answers(**values))
    return application


def ten_minutes_pass() -> None:
    """End the hold of every decision, so that its mail is sent."""
    past = timezone.now() - timedelta(minutes=10)
    Ruling.objects.update(effective_at=past)
    Application.objects.filter(effective_at__isnull=False).update(effective_at=past)
    Step.objects.update(at=past)
    Notice.objects.filter(state=NoticeState.QUEUED).update(due_at=past)
    send_due()


def test_a_reviewers_day(page: Page, live_server: LiveServer) -> None:
    model = HostedModelFactory.create(tier=Tier.TWO_REVIEWERS, name="Large")
    applicant = sign(UserFactory.create(name="Ada Byron", email="ada@example.org"), model)
    rita, olga = (
        UserFactory.create(is_reviewer=True, name=name, email=f"{name[:4].lower()}@reviews.example")
        for name in ("Rita Reviewer", "Olga Other")
    )
    application = submit(applicant, model, intended_use="Measuring scale.")
    console = f"{live_server.url}/console/"

    # Rita claims it with the keyboard, and returns it with a note on one field.
    enter(page, live_server, rita)
    page.goto(console)
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.get_by_role("main")).to_contain_text("Claimed by you until")
    page.wait_for_load_state()
    page.keyboard.press("r")
    expect(page.locator("#id_return-note")).to_be_visible()
    page.get_by_label("Insert a saved reply").locator("visible=true").select_option(
        label="Say more about the purpose"
    )
    expect(page.locator("#id_return-reason_code")).to_have_value("purpose_unclear")
    page.get_by_text("Notes on individual fields", exact=True).click()
    page.locator("#id_return-note_intended_use").fill("Which models, and how?")
    page.get_by_role("button", name="Preview the mail").locator("visible=true").click()
    preview = page.locator(".preview pre")
    expect(preview).to_contain_text("Intended use:\nWhich models, and how?")
    page.get_by_role("button", name="Return with these notes").click()
    expect(page.get_by_role("main")).to_contain_text("On hold.")
    assert mail.outbox == []
    ten_minutes_pass()
    assert [message.subject for message in mail.outbox][-1:] == [
        f"Your application {application.case_number} needs changes"
    ]
    assert mail.outbox[-1].body.count("Which models, and how?") == 1

    # Ada reads the note at its field, and submits again.
    enter(page, live_server, applicant)
    page.goto(f"{live_server.url}/access/apply/")
    expect(page.locator(".field-note")).to_contain_text("Which models, and how?")
    submit(applicant, model, intended_use="Measuring how scale changes calibration.")

    # Olga compares the two versions and approves first; then Rita, as the second person.
    enter(page, live_server, olga)
    page.goto(f"{console}applications/{application.case_number}/")
    assert page.locator(".changes ins").all_inner_texts() == ["how scale changes calibration."]
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("A second reviewer must agree")
    enter(page, live_server, rita)
    page.goto(f"{console}applications/{application.case_number}/")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("On hold.")
    application.refresh_from_db()
    assert application.state == ApplicationState.APPROVED

    # A wrong click: she takes it back before anyone is notified.
    told = len(mail.outbox)
    page.get_by_role("button", name="Take back the decision").click()
    expect(page.locator(".messages")).to_contain_text("was not notified")
    application.refresh_from_db()
    assert application.state == ApplicationState.IN_REVIEW
    assert [grant.state for grant in application.grants.all()] == [GrantState.VOID]
    ten_minutes_pass()
    assert [m.subject for m in mail.outbox[told:] if "approved" in m.subject] == []


def test_bulk_reminding_is_tried_out_first(page: Page, live_server: LiveServer) -> None:
    rita = UserFactory.create(is_reviewer=True, name="Rita Reviewer")
    long_ago = timezone.now() - timedelta(days=9)
    late = [
        ApplicationFactory.create(applicant__name=name, state=ApplicationState.RETURNED)
        for name in ("Ada", "Bo")
    ]
    for row in late:
        StepFactory.create(application=row, command="return", actor=rita, at=long_ago)
    fresh = ApplicationFactory.create(applicant__name="Cem", state=ApplicationState.RETURNED)
    StepFactory.create(application=fresh, command="return", actor=rita)
    enter(page, live_server, rita)
    page.goto(f"{live_server.url}/console/?state=returned")
    for _ in range(3):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.get_by_label("Action on marked applications").select_option(label="Remind")
    page.get_by_role("button", name="Preview the changes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remind: 2 applications")
    expect(page.get_by_role("main")).to_contain_text("Wait a week before asking again.")
    assert Step.objects.filter(command="remind").count() == 0
    page.get_by_role("button", name="Remind", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("Remind: 2 applications.")
    reminded = Step.objects.filter(command="remind").values_list("application", flat=True)
    assert set(reminded) == {row.pk for row in late}


def test_the_pages_are_accessible_and_fit_a_phone(page: Page, live_server: LiveServer) -> None:
    model = HostedModelFactory.create()
    rita = UserFactory.create(is_reviewer=True, name="Rita Reviewer")
    application = submit(sign(UserFactory.create(), model), model)
    enter(page, live_server, rita)
    complaints: list[str] = []
    for path in ("", f"applications/{application.case_number}/", "denials/", "absence/"):
        page.goto(f"{live_server.url}/console/{path}")
        complaints.extend(judge(page))
    page.goto(f"{live_server.url}/console/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    complaints.extend(judge(page))
    assert complaints == []


ONE_LINE = """(cells) => cells.map((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getClientRects().length;
})"""


def test_numbers_of_rows_are_never_broken(page: Page, live_server: LiveServer) -> None:
    auditor = UserFactory.create(is_auditor=True)
    reason = "A reason that takes all the room there is. " * 12
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE audit_auditevent_id_seq RESTART WITH 1177000")
        record(AuditTag.AUDIT_EXPORTED, actor=auditor, subject="audit", data={"reason": reason})
    enter(page, live_server, auditor)
    page.goto(f"{live_server.url}/console/audit/")

    rows = page.get_by_role("region", name="Events").get_by_role("rowheader")

    assert rows.last.text_content() == "1177000"
    assert set(rows.evaluate_all(ONE_LINE)) == {1}
