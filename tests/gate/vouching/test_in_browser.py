"""An applicant's day, in a browser: a phone, a referee without an account, a team."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.gate.access.enums import Capability
from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.domain.invitations import invite_member
from portal.gate.teams.domain.letters import link_of
from portal.gate.vouching.domain.answers import answer_request
from portal.gate.vouching.domain.domains import confirm_domain
from portal.gate.vouching.enums import Answer, VouchKind
from portal.gate.vouching.models import AuthorisedDomain, VouchRequest
from portal.platform.accounts.models import User
from portal.platform.notices.domain.sending import send_due
from tests.e2e.browser import DESKTOP, PHONE, judge, launched_browser, open_page, overflow
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.vouching import VouchRequestFactory, ask
from tests.gate.access.conftest import sign

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
def page(context: BrowserContext) -> Iterator[Page]:
    context.clear_cookies()
    complaints: list[str] = []
    page = open_page(context, complaints)
    page.set_viewport_size(DESKTOP)
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def stranger(context: BrowserContext) -> Iterator[Page]:
    """Another person's browser, not signed in."""
    browser = context.browser
    assert browser is not None
    other = browser.new_context(viewport=DESKTOP)
    yield other.new_page()
    other.close()


@pytest.fixture(autouse=True)
def _post_box(settings: Settings, live_server: LiveServer) -> None:
    settings.EMAIL_BACKEND = "portal.platform.mailbox.backend.MailboxBackend"
    settings.SITE_URL = live_server.url


def enter(page: Page, live_server: LiveServer, user: User) -> None:
    """Sign in as another person."""
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/account/login/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


def follow_mail(page: Page, live_server: LiveServer, to: str, link: str) -> None:
    """Open the newest mail to an address in the demo's mailbox, and the link in it."""
    send_due()
    page.goto(f"{live_server.url}/demo/mail/?to={to}")
    page.get_by_role("main").get_by_role("listitem").get_by_role("link").first.click()
    page.get_by_role("main").get_by_role("link", name=re.compile(link)).click()


def fill_in(page: Page, answers: dict[str, str]) -> None:
    for label, text in answers.items():
        page.get_by_label(label, exact=True).fill(text)


def test_a_draft_on_a_phone_and_a_referee_who_needs_no_account(
    page: Page, stranger: Page, live_server: LiveServer
) -> None:
    model, reviewer = (
        HostedModelFactory.create(name="OPT-13B"),
        UserFactory.create(is_reviewer=True),
    )
    applicant = sign(UserFactory.create(name="Amara Okafor"), model)
    page.set_viewport_size(PHONE)
    enter(page, live_server, applicant)

    page.goto(f"{live_server.url}/access/apply/")
    fill_in(page, {"Institution": "Analytical Society", "Your role there": "Analyst"})
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("main").or_(page.get_by_role("status")).first).to_be_visible()
    enter(page, live_server, applicant)
    page.goto(f"{live_server.url}/access/apply/")
    expect(page.get_by_label("Institution", exact=True)).to_have_value("Analytical Society")
    assert overflow(page) == []

    page.goto(f"{live_server.url}/access/vouching/")
    referee = page.get_by_role("region", name="Referee")
    referee.get_by_text("Name somebody").click()
    referee.get_by_label("Their name").fill("Rosalind Referee")
    referee.get_by_label("Their e-mail address").fill("rosalind@uni.edu")
    referee.get_by_label("Where they work").fill("University of the References")
    referee.get_by_role("button", name="Name them").click()
    expect(page.get_by_text("Rosalind Referee will be asked when you submit.")).to_be_visible()

    page.goto(f"{live_server.url}/access/apply/")
    page.get_by_label("Country").select_option("GB")
    fill_in(
        page,
        {
            "Homepage or publications": "https://example.org/amara",
            "What you will use the models for": "Notes on a small model.",
            "How you will handle outputs and data": "On paper.",
            "Who else will have access": "Nobody",
        },
    )
    page.get_by_label(re.compile("OPT-13B")).check()
    page.get_by_label("Playground: prompts in the browser").check()
    page.get_by_role("button", name="Submit for review").click()
    expect(page.get_by_role("main")).to_contain_text("A reviewer acts next")
    expect(page.get_by_role("main")).to_contain_text("Rosalind Referee")

    follow_mail(stranger, live_server, "rosalind@uni.edu", "vouch")
    expect(stranger.get_by_role("heading", level=1)).to_have_text(
        "Amara Okafor names you as a referee"
    )
    stranger.get_by_label("I know Amara Okafor").check()
    stranger.get_by_label("What reviewers should know").fill("She is careful.")
    stranger.get_by_role("button", name="Send your answer").click()
    expect(stranger.get_by_role("heading", level=1)).to_have_text("You have answered")

    page.goto(f"{live_server.url}/access/")
    expect(page.get_by_role("main")).to_contain_text("Answered")
    page.set_viewport_size(DESKTOP)
    enter(page, live_server, reviewer)
    case = Application.objects.get().case_number
    page.goto(f"{live_server.url}/console/applications/{case}/")
    facts = page.get_by_role("complementary", name="Identity and decision")
    expect(facts).to_contain_text("Rosalind Referee, University of the References: confirms")
    expect(facts).to_contain_text("She is careful.")


def make_lead(model: HostedModel) -> Application:
    lead = sign(UserFactory.create(name="Linda Lead"), model)
    grant = GrantFactory.create(user=lead, model=model, capabilities=[Capability.PLAYGROUND])
    return grant.application


def test_a_member_joins_by_the_link_in_the_mail(
    page: Page, stranger: Page, live_server: LiveServer
) -> None:
    model = HostedModelFactory.create(name="OPT-13B")
    application = make_lead(model)
    person = UserFactory.create(email="mia@uni.edu", name="Mia Member")
    enter(page, live_server, application.applicant)
    page.get_by_role("link", name="Your team of").click()
    page.get_by_label("Their e-mail address").fill("mia@uni.edu")
    page.get_by_role("button", name="Send an invitation").click()
    expect(page.get_by_role("main")).to_contain_text("mia@uni.edu")

    follow_mail(stranger, live_server, "mia@uni.edu", "join")
    stranger.get_by_role("main").get_by_role("link", name="Sign in").click()
    stranger.get_by_label("E-mail address").fill(person.email)
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in", exact=True).click()
    stranger.get_by_role("link", name=re.compile("Read and sign")).click()
    stranger.get_by_label("Your full legal name").fill("Mia Member")
    stranger.get_by_label("I have read the licence above").check()
    stranger.get_by_role("main").get_by_role("button", name=re.compile("Sign")).click()
    follow_mail(stranger, live_server, "mia@uni.edu", "join")
    stranger.get_by_role("button", name="Join the team").click()
    expect(stranger.get_by_role("main")).to_contain_text("In the team of Linda Lead")
    expect(stranger.get_by_role("region", name="Grants")).to_contain_text("OPT-13B")

    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Mia Member")


def test_the_pages_are_accessible_and_fit_a_phone(page: Page, live_server: LiveServer) -> None:
    model, reviewer = HostedModelFactory.create(), UserFactory.create(is_reviewer=True)
    led = make_lead(model)
    invited = invite_member(led, by=led.applicant, email="somebody.with.a.long.address@uni.edu")
    waiting = ApplicationFactory.create(
        applicant=sign(UserFactory.create(email="ann@uni.edu"), model),
        models_wanted=[model],
        country="KP",
    )
    official = VouchRequestFactory.create(
        application=waiting, kind=VouchKind.OFFICIAL, email="dean@uni.edu"
    )
    link = ask(official)
    referee = ask(VouchRequestFactory.create(application=waiting))
    answered = VouchRequestFactory.create(
        application=ApplicationFactory.create(), kind=VouchKind.OFFICIAL, email="pro@uni.edu"
    )
    used = ask(answered)
    answer_request(answered, answer=Answer.CONFIRM, text="Yes.", authorises_domain=True)
    entry = confirm_domain(AuthorisedDomain.objects.get(), by=reviewer)
    pages: list[tuple[User | None, str, str]] = [
        (None, referee, "referee"),
        (None, link, "official"),
        (None, used, "used"),
        (None, f"{used[:-3]}x/", "wrong"),
        (None, link_of(invited), "join"),
        (waiting.applicant, "/access/vouching/", "vouching"),
        (waiting.applicant, "/access/", "status"),
        (led.applicant, f"/access/applications/{led.case_number}/team/", "team"),
        (reviewer, f"/console/applications/{waiting.case_number}/", "review"),
        (reviewer, "/console/domains/", "domains"),
        (reviewer, f"/console/domains/{entry.pk}/", "domain"),
        (reviewer, f"/console/members/{invited.pk}/", "member"),
        (reviewer, "/console/", "queue"),
    ]
    complaints: list[str] = []
    signed_in: User | None = None
    for person, address, name in pages:
        if person is not None and person != signed_in:
            enter(page, live_server, person)
            signed_in = person
        page.goto(f"{live_server.url}{address}")
        complaints += judge(page, name)
    assert complaints == []
    assert VouchRequest.objects.count() == 3
