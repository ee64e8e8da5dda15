"""A renewal, in a browser: on a phone by its holder, at a desk by the reviewer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.renewals.enums import RenewalState
from portal.gate.renewals.models import Renewal, Statement
from portal.platform.accounts.models import User
from portal.platform.notices.domain.sending import send_due
from tests.e2e.browser import DESKTOP, PHONE, judge, launched_browser, open_page
from tests.factories.accounts import PASSWORD, UserFactory
from tests.gate.renewals.conftest import make_grant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as chromium:
            yield chromium


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def phone(browser: Browser, live_server: LiveServer, complaints: list[str]) -> Iterator[Page]:
    yield from _open(browser, live_server, complaints, viewport=PHONE)


@pytest.fixture
def desk(browser: Browser, live_server: LiveServer, complaints: list[str]) -> Iterator[Page]:
    yield from _open(browser, live_server, complaints, viewport=DESKTOP)


def _open(
    browser: Browser, live_server: LiveServer, complaints: list[str], *, viewport: ViewportSize
) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        color_scheme="light", viewport=viewport, base_url=live_server.url
    )
    yield open_page(context, complaints)
    context.close()


def enter(page: Page, user: User) -> None:
    """Sign in."""
    page.goto("/account/login/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


@pytest.fixture
def grant() -> Grant:
    """Ends in twelve days."""
    holder = UserFactory.create(name="Ada Byron", email="ada@example.org")
    return make_grant(holder, ends_at=timezone.now() + timedelta(days=12))


def test_a_holder_renews_on_a_phone_and_a_reviewer_approves(
    phone: Page, desk: Page, grant: Grant, complaints: list[str]
) -> None:
    rita = UserFactory.create(is_reviewer=True, name="Rita Reviewer", email="rita@example.org")
    old_end = grant.ends_at

    # Ada sees that it ends, and writes a page about what she did.
    enter(phone, grant.user)
    complaints += judge(phone)
    phone.get_by_role("link", name="Renew with a report").click()
    complaints += judge(phone)
    phone.get_by_role("button", name="Hand in the report").click()
    expect(phone.get_by_role("main")).to_contain_text("Say what you have done with the models.")
    phone.get_by_label("What you have done with the models").fill("Scored half of the pairs.")
    phone.get_by_label("Results").fill("A preprint: https://example.org/preprint")
    phone.get_by_label("Yes, only for noncommercial research").check()
    phone.get_by_label("Incidents").fill("None.")
    phone.get_by_role("button", name="Hand in the report").click()
    expect(phone.get_by_role("main")).to_contain_text("A reviewer acts next.")
    complaints += judge(phone)
    send_due()
    assert sorted((m.to[0], m.subject) for m in mail.outbox) == [
        ("ada@example.org", "Your report was received"),
        ("rita@example.org", "A renewal to review: Ada Byron"),
    ]

    # Rita asks for more, reads it, and approves a year.
    enter(desk, rita)
    desk.goto("/console/renewals/")
    complaints += judge(desk)
    desk.get_by_role("link", name="Ada Byron").click()
    complaints += judge(desk)
    desk.get_by_text("Return for changes", exact=True).click()
    desk.get_by_label("Changes needed").fill("Which pairs?")
    desk.get_by_role("button", name="Return with this note").click()
    expect(desk.get_by_role("main")).to_contain_text("Returned to the holder")
    phone.goto("/access/")
    phone.get_by_role("link", name="Change your report").click()
    expect(phone.get_by_role("main")).to_contain_text("Which pairs?")
    expect(phone.get_by_label("Incidents")).to_have_value("None.")
    phone.get_by_label("What you have done with the models").fill("Scored the negated pairs.")
    phone.get_by_role("button", name="Hand in the report").click()
    expect(phone.get_by_role("main")).to_contain_text("A reviewer acts next.")
    desk.reload()
    expect(desk.get_by_role("main")).to_contain_text("Scored the negated pairs.")
    desk.get_by_role("button", name="Approve", exact=True).click()
    new_end = old_end + timedelta(days=365)
    expect(desk.get_by_role("main")).to_contain_text(f"until {new_end:%-d %B %Y}")

    # The new end is shown, and no grant remains to renew.
    phone.goto("/access/")
    expect(phone.locator(".grants")).to_contain_text(f"{new_end:%-d %B %Y}")
    expect(phone.get_by_role("link", name="Renew with a report")).to_have_count(0)
    grant.refresh_from_db()
    assert grant.ends_at.date() == new_end.date()
    assert Renewal.objects.get().state == RenewalState.APPROVED


def test_a_right_with_weights_is_given_back_on_a_phone(
    phone: Page, desk: Page, complaints: list[str]
) -> None:
    holder = UserFactory.create(name="Bo Chen", email="bo@example.org")
    grant = make_grant(holder, ends_at=timezone.now() + timedelta(days=90), weights=True)
    over = make_grant(
        UserFactory.create(name="Cem Ak"), name="Large", state=GrantState.REVOKED, weights=True
    )
    enter(phone, holder)
    phone.get_by_role("link", name="Give it back").click()
    complaints += judge(phone)
    phone.get_by_label("Destroyed on").fill(f"{timezone.now():%Y-%m-%d}")
    phone.get_by_label("I state that the weights").check()
    phone.get_by_label("Your full legal name").fill("Bo Chen")
    phone.get_by_role("button", name="Give it back").click()
    expect(phone.locator(".messages")).to_contain_text("You have given back")
    assert Statement.objects.get().grant == grant

    enter(desk, UserFactory.create(is_reviewer=True))
    desk.goto("/console/closeouts/")
    complaints += judge(desk)
    expect(desk.get_by_role("table")).to_contain_text("Cem Ak")
    expect(desk.get_by_role("main")).to_contain_text("Bo Chen: Small")
    desk.get_by_role("button", name="Ask Cem Ak about Large").click()
    expect(desk.locator(".messages")).to_contain_text("was asked by mail")
    send_due()
    assert [m.subject for m in mail.outbox if m.to == [over.user.email]] == [
        "Your statement about Large is needed"
    ]
    desk.set_viewport_size(PHONE)
    complaints += judge(desk)
