"""Several tabs of one person share one connection to the site."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from playwright.sync_api import Request, expect
from pytest_django import Settings

from portal.lab.jobs.domain.lifecycle import record_outcome
from tests.e2e.browser import open_page
from tests.factories.jobs import FakeWorker
from tests.lab.playground.browser.conftest import PROMPT, SECONDS, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TABS = 8
"""More than the connections that a browser opens to one site over HTTP/1.1."""


def open_tabs(scene: Scene, *, count: int) -> list[Scene]:
    complaints: list[str] = []
    tabs = [replace(scene, page=open_page(scene.page.context, complaints)) for _ in range(count)]
    for tab in tabs:
        tab.open()
    return tabs


def drop(streams: set[Request], sent: Request) -> None:
    streams.discard(sent)


def carries_events(sent: Request) -> bool:
    return "/events/" in sent.url or (sent.method == "POST" and "/runs/" in sent.url)


def submit_all(tabs: list[Scene]) -> list[FakeWorker]:
    workers = []
    for number, tab in enumerate(tabs):
        worker = tab.submit()
        worker.stream(f" tab {number}")
        tab.expect_document(f"{PROMPT} tab {number}")
        workers.append(worker)
    return workers


def test_eight_tabs_stream_to_the_end_though_the_leading_one_is_closed(
    scene: Scene, settings: Settings
) -> None:
    settings.JOBS_PER_USER = TABS
    streams: set[Request] = set()
    context = scene.page.context
    context.on("request", lambda sent: streams.add(sent) if carries_events(sent) else None)
    for event in ("requestfinished", "requestfailed"):
        context.on(event, lambda sent: drop(streams, sent))
    leader, *tabs = [scene, *open_tabs(scene, count=TABS - 1)]
    first, *workers = submit_all([leader, *tabs])
    give_up_at = time.monotonic() + SECONDS
    while [sent.method for sent in streams] != ["GET"]:
        assert time.monotonic() < give_up_at, streams
        leader.page.wait_for_timeout(20)

    leader.page.close()
    for worker in workers:
        worker.stream(" and", " on")
    for number, tab in enumerate(tabs, start=1):
        tab.expect_document(f"{PROMPT} tab {number} and on")

    for number, (tab, worker) in enumerate(zip(tabs, workers, strict=True), start=1):
        worker.stream(" to the end")
        record_outcome(worker.outcome(worker.end()))
        tab.expect_state("succeeded")
        tab.expect_document(f"{PROMPT} tab {number} and on to the end")
        # The next one's page reads its run again, without disturbing the others.
        if number < len(tabs):
            tabs[number].page.reload()
            tabs[number].expect_document(f"{PROMPT} tab {number + 1} and on")
    record_outcome(first.outcome(first.end()))


def test_two_tabs_show_the_same_run(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" one", " two")
    scene.expect_document(f"{PROMPT} one two")
    (second,) = open_tabs(scene, count=1)
    second.open(f"/playground/runs/{worker.job_id}/")
    second.expect_document(f"{PROMPT} one two")
    worker.stream(" three")
    record_outcome(worker.outcome(worker.end()))

    for tab in (scene, second):
        tab.expect_state("succeeded")
        tab.expect_document(f"{PROMPT} one two three")
        expect(tab.page.locator("[data-fact=tokens] dd")).to_have_text("3 in, 3 out")


def test_a_tab_that_leads_without_an_answer_is_replaced(scene: Scene) -> None:
    """As on a phone, whose browser halts the tabs that are not in sight."""
    blocker = scene.page.context.new_page()
    blocker.goto(f"{scene.site}/models/")
    blocker.evaluate(
        "(name) => new Promise((held) => "
        "navigator.locks.request(name, () => { held(); return new Promise(() => {}); }))",
        f"gatehouse.runs.{scene.user.pk}",
    )
    worker = scene.submit()
    worker.stream(" one")
    scene.expect_document(f"{PROMPT} one")
    scene.page.reload()
    worker.stream(" two")
    record_outcome(worker.outcome(worker.end()))

    scene.expect_state("succeeded")
    scene.expect_document(f"{PROMPT} one two")


def test_signing_out_in_one_tab_ends_the_streams_of_all(scene: Scene) -> None:
    (second, third) = open_tabs(scene, count=2)
    submit_all([scene, second])
    third.page.goto(f"{scene.site}/models/")
    third.page.locator(".account-menu > summary").click()
    third.page.get_by_role("button", name="Sign out").click()

    for tab in (scene, second):
        expect(tab.page.locator("[data-message]")).to_have_text(
            "You are signed out. Sign in again and reload this page; the run continues."
        )
