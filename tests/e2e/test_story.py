"""The whole story with the real engine: from a stranger at the front door to streamed tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.browser import DESKTOP, launched_browser, open_page
from tests.e2e.playground import PlaygroundPage
from tests.e2e.stack import DemoStack, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.engine]

EMAIL = "ada.byron@example.org"
NAME = "Ada Byron"
PASSWORD = "difference-engine-1843"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_browser() as chromium:
        yield chromium


@pytest.fixture
def visitor(demo_stack: DemoStack, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, base_url=demo_stack.url)
    context.set_default_timeout(20_000)
    yield context
    context.close()


def test_a_stranger_becomes_a_researcher(
    demo_stack: DemoStack, browser: Browser, visitor: BrowserContext
) -> None:
    complaints: list[str] = []
    page = open_page(visitor, complaints)

    read_as_a_stranger(page)
    sign_up(page)
    verify_by_mail(page)
    sign_the_licence(page)
    case_number = apply_for_access(page)
    approve(demo_stack, browser, case_number)
    read_the_good_news(page)
    see_tokens_arrive(demo_stack, page)
    stop_a_run(page)
    address = reload_in_the_middle(page)
    turn_another_away(demo_stack, browser, address)

    assert complaints == []


def read_as_a_stranger(page: Page) -> None:
    page.goto("/")
    page.get_by_role("navigation").get_by_role("link", name="Models", exact=True).first.click()
    expect(page.get_by_role("heading", name="Models", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="OPT-175B", exact=True)).to_be_visible()
    page.goto("/playground/")
    expect(page).to_have_url(re.compile(r"/account/login/\?next=/playground/"))


def sign_up(page: Page) -> None:
    page.goto("/account/signup/")
    page.get_by_label("Full name").fill(NAME)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, again").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Create account").click()
    expect(page).to_have_url(re.compile("/account/confirm-email/"))


def verify_by_mail(page: Page) -> None:
    open_mail(page, re.compile("confirm", re.IGNORECASE))
    page.get_by_role("main").get_by_role("link", name=re.compile("confirm-email")).click()
    page.get_by_role("button", name="Confirm the address").click()
    expect(page).to_have_url(re.compile("/access/|/account/"))


def sign_the_licence(page: Page) -> None:
    page.goto("/access/")
    page.get_by_role("main").get_by_role(
        "link", name=re.compile("sign", re.IGNORECASE)
    ).first.click()
    page.get_by_label("Your full legal name").fill("Augusta Ada King")
    page.get_by_label("I have read the licence above").check()
    page.get_by_role("main").get_by_role("button", name=re.compile("Sign")).click()
    expect(page.get_by_role("main")).to_contain_text("Augusta Ada King")


def apply_for_access(page: Page) -> str:
    page.goto("/access/apply/")
    page.get_by_label("Institution", exact=True).fill("Analytical Society")
    page.get_by_label("Your role there").fill("Analyst")
    page.get_by_label("Country").select_option("GB")
    page.get_by_label("ORCID iD").fill("0000-0002-1825-0097")
    page.get_by_label("Homepage or publications").fill("https://example.org/ada")
    page.get_by_label("What you will use the models for").fill("Notes on a small model.")
    expect(page.locator("[data-draft-status]")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))
    page.reload()
    expect(page.get_by_label("Institution", exact=True)).to_have_value("Analytical Society")
    page.get_by_label(re.compile("SmolLM2-135M")).check()
    page.get_by_label("Playground: prompts in the browser").check()
    page.get_by_label("How you will handle outputs and data").fill("On paper.")
    page.get_by_label("Who else will have access").fill("Nobody")
    page.get_by_role("button", name="Submit for review").click()
    expect(page.get_by_role("main")).to_contain_text("A reviewer acts next")
    heading = page.get_by_role("heading", name=re.compile("Application GH-")).inner_text()
    return heading.removeprefix("Application ").strip()


def approve(stack: DemoStack, browser: Browser, case_number: str) -> None:
    context = browser.new_context(viewport=DESKTOP, base_url=stack.url)
    page = context.new_page()
    sign_in(page, stack.account("reviewer"))
    page.goto("/console/")
    page.get_by_role("link", name=re.compile(f"{case_number}|{NAME}")).first.click()
    expect(page.get_by_role("main")).to_contain_text("Notes on a small model.")
    page.get_by_role("main").get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("Approved")
    context.close()


def read_the_good_news(page: Page) -> None:
    open_mail(page, re.compile("approved|open", re.IGNORECASE))
    expect(page.get_by_role("main")).to_contain_text("SmolLM2")


def open_mail(page: Page, subject: re.Pattern[str]) -> None:
    """Open the newest matching message to Ada; waits if a worker has not sent it yet."""
    link = page.get_by_role("main").get_by_role("link", name=subject).first
    for _ in range(20):
        page.goto(f"/demo/mail/?to={EMAIL}")
        if link.is_visible():
            break
        page.wait_for_timeout(500)
    link.click()


def see_tokens_arrive(stack: DemoStack, page: Page) -> None:
    stack.wait_until_the_engine_is_ready()
    playground = PlaygroundPage(page).open()
    playground.write("The capital of France is")
    playground.set("Max tokens", "48")
    playground.set("Temperature", "0")

    playground.run()
    lengths = playground.watch_it_grow()

    assert lengths == sorted(lengths)
    assert len(set(lengths)) >= 5
    expect(playground.status).to_contain_text(re.compile("Finished"))
    assert playground.text().startswith("The capital of France is")


def stop_a_run(page: Page) -> None:
    playground = PlaygroundPage(page).open()
    playground.write("Count: 1, 2, 3,")
    playground.set("Max tokens", "600")
    playground.run()
    playground.wait_for_text_beyond("Count: 1, 2, 3,")

    playground.stop()

    expect(playground.status).to_contain_text(
        re.compile(r"^Stopped\. The engine was freed after [\d,]+ ms\.$"), timeout=10_000
    )


def reload_in_the_middle(page: Page) -> str:
    playground = PlaygroundPage(page).open()
    playground.write("Once upon a time")
    playground.set("Max tokens", "60")
    playground.run()
    playground.wait_for_text_beyond("Once upon a time")
    address = page.url
    assert re.search(r"/playground/runs/[0-9a-f-]{36}/$", address)
    before = playground.text()

    page.reload()

    playground.wait_for_text_beyond(before)
    assert playground.text().startswith(before)
    playground.wait_until_finished()
    assert playground.text().startswith(before)
    return address


def turn_another_away(stack: DemoStack, browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=DESKTOP, base_url=stack.url)
    page = context.new_page()
    sign_in(page, stack.account("researcher"))

    answers = [context.request.get(address).status, context.request.get(f"{address}events/").status]

    assert answers == [404, 404]
    context.close()
