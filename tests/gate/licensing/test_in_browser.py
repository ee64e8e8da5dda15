"""A changed licence, from the bar over a page to the PDF that another person verifies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from pypdf import PdfReader
from pytest_django.live_server_helper import LiveServer

from portal.gate.access.domain.reconsent.announcements import announce_changes
from portal.gate.licensing.models import LicenceVersion, Signature
from portal.platform.accounts.models import User
from portal.platform.notices.models import Notice
from tests.e2e.browser import DESKTOP, judge, launched_browser, open_page
from tests.factories.access import GrantFactory
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
]


@pytest.fixture(scope="module")
def context(django_db_setup: None) -> Iterator[BrowserContext]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as chromium:
            yield chromium.new_context(color_scheme="light", viewport=DESKTOP)


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer) -> Iterator[Page]:
    context.clear_cookies()
    complaints: list[str] = []
    page = open_page(context, complaints)
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def change(db: None) -> LicenceVersion:
    """A second version five days ago; six signed the first."""
    first = LicenceVersionFactory.create(licence__name="Research licence", licence__slug="research")
    model = HostedModelFactory.create(
        release=ReleaseFactory.create(licence=first.licence), name="Great Model"
    )
    for number in range(6):
        email, name = f"signer{number}@example.org", f"Signer {number}"
        signature = SignatureFactory.create(version=first, user__email=email, user__name=name)
        GrantFactory.create(user=signature.user, model=model)
    now = timezone.now()
    LicenceVersionFactory.create(
        licence=first.licence, number=2, effective_at=now - timedelta(days=5)
    )
    second: LicenceVersion = first.licence.versions.get(number=2)
    return second


def enter(page: Page, live_server: LiveServer, user: User) -> None:
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/account/login/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


def test_sign_again_take_the_paper_and_let_it_be_verified(
    page: Page, live_server: LiveServer, change: LicenceVersion, tmp_path: Path
) -> None:
    signer = User.objects.get(email="signer0@example.org")
    enter(page, live_server, signer)
    assert judge(page) == []
    page.get_by_role("link", name="Read and sign the new version").click()
    page.get_by_label("Your full legal name").fill("Ольга Byron")
    page.get_by_label("I have read the licence").check()
    page.get_by_role("button", name="Sign version 2").click()
    expect(page.get_by_role("heading", name="Signed copy")).to_be_visible()
    expect(page.get_by_label("Licence to sign again")).to_have_count(0)
    assert judge(page) == []
    signature = Signature.objects.get(version=change)

    with page.expect_download() as download:
        page.get_by_role("link", name="Signed agreement as PDF").click()
    paper = tmp_path / "paper.pdf"
    download.value.save_as(paper)
    text = " ".join(PdfReader(paper).pages[0].extract_text().split())
    assert text.count("Signed by Ольга Byron") == 1

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/verify/")
    page.get_by_label("Or a file").set_input_files(paper)
    expect(page.get_by_text("Its SHA-256 is in the field above")).to_be_visible()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("This file is unchanged")).to_be_visible()
    assert judge(page) == []
    page.get_by_label("Code of the signature").fill(signature.code.lower())
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="This signature exists")).to_be_visible()
    page.get_by_label("Name of the signer").fill("ольга byron")
    page.get_by_role("button", name="Compare the name").click()
    expect(page.get_by_text("This name is on the signature")).to_be_visible()
    assert judge(page) == []
    paper.write_bytes(paper.read_bytes() + b"\n")
    page.goto(f"{live_server.url}/verify/")
    page.get_by_label("Or a file").set_input_files(paper)
    expect(page.get_by_text("Its SHA-256 is in the field above")).to_be_visible()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("No file here has this SHA-256")).to_be_visible()
    assert judge(page) == []


def test_a_reviewer_reminds_some_of_those_who_have_not_signed(
    page: Page, live_server: LiveServer, change: LicenceVersion, valkey: redis.Redis
) -> None:
    reviewer = UserFactory.create(is_reviewer=True)
    announce_changes(at=timezone.now())
    Notice.objects.exclude(recipient__email="signer5@example.org").delete()
    enter(page, live_server, reviewer)
    page.get_by_role("link", name="Console").click()
    page.get_by_role("link", name="Outdated signatures").click()
    expect(page.get_by_role("row")).to_have_count(7)
    assert judge(page) == []
    for box in page.get_by_role("checkbox").all()[3:]:
        box.check()
    page.get_by_role("button", name="Preview the reminders").click()
    expect(page.get_by_role("heading", name="Remind 2 people")).to_be_visible()
    expect(page.get_by_text("Wait a week before you send another.")).to_be_visible()
    assert judge(page) == []
    page.get_by_role("button", name="Send the reminders").click()
    expect(page.get_by_text("Reminded: 2 people.")).to_be_visible()
    assert Notice.objects.filter(kind="access.licence_reminded").count() == 2
