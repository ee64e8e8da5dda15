"""A run is shared, read by another person, and taken back, in a real browser."""

from __future__ import annotations

import pytest
from django.test import Client
from playwright.sync_api import expect

from inference_workers.contract import TokenLogprobs
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.domain.links import create_link
from portal.lab.sharing.enums import Audience, Life
from tests.e2e.browser import judge, open_page
from tests.factories.jobs import GenerationJobFactory, make_researcher
from tests.lab.playground.browser.conftest import Scene, browser, scene, site
from tests.lab.sharing.conftest import path_of

__all__ = ["browser", "scene", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def make_run(scene: Scene) -> GenerationJob:
    entry = TokenLogprobs(7, -0.25, 1, ((7, -0.25), (9, -1.5)))
    return GenerationJobFactory.create(
        user=scene.user,
        model=scene.model,
        succeeded=True,
        prompt="Once upon a time,\nthere was",
        text=" a lighthouse keeper who counted the waves.",
        logprobs=[entry, entry._replace(id=8, rank=2)],
    )


def test_a_run_is_shared_read_and_taken_back(scene: Scene) -> None:
    run = make_run(scene)
    scene.page.goto(f"{scene.site}/playground/runs/{run.pk}/")
    record = scene.page.get_by_role("region", name="Record")
    record.get_by_text("Text and receipt").click()
    expect(record.get_by_role("group", name="Prompt")).to_have_text(run.prompt)
    record.get_by_text("Share and cite").click()
    record.get_by_label("Who may read it").select_option("Everybody who may use the model")
    record.get_by_label("May contain offensive text").check()
    record.get_by_role("button", name="Make a link").click()
    address = record.locator(".share-link__address").inner_text()
    path = "/" + address.split("/", 3)[3]
    faults = judge(scene.page, "run-record")

    client = Client()
    client.force_login(make_researcher(scene.model)[0])
    other = scene.page.context.browser
    assert other is not None
    context = other.new_context()
    complaints: list[str] = []
    context.add_cookies(
        [{"name": "sessionid", "value": client.session.session_key or "", "url": scene.site}]
    )
    reader = open_page(context, complaints)
    reader.goto(scene.site + path)
    completion = reader.get_by_role("group", name="Completion")
    expect(completion).to_be_hidden()
    reader.get_by_text("Show the text").click()
    expect(completion).to_have_text(run.text.strip())
    faults += judge(reader, "shared-run")
    reader.get_by_role("button", name="Open in your playground").click()
    expect(reader.locator("textarea[name=prompt]")).to_have_value(run.prompt)

    scene.page.goto(f"{scene.site}/playground/shared/")
    faults += judge(scene.page, "shared-list")
    scene.page.get_by_role("button", name="Revoke").click()
    expect(scene.page.get_by_role("status")).to_contain_text("The link no longer works.")
    reader.goto(scene.site + path)
    expect(reader.get_by_role("heading", level=1)).to_have_text("This link does not work")
    faults += judge(reader, "shared-gone")
    own = create_link(run, by=scene.user, audience=Audience.ME, life=Life.DAY)
    reader.goto(scene.site + path_of(own))
    expect(reader.get_by_role("heading", level=1)).to_have_text("This run is not shared with you")
    faults += judge(reader, "shared-closed")
    scene.page.goto(f"{scene.site}/playground/runs/{run.pk}/share/")
    faults += judge(scene.page, "share-form")
    context.close()
    assert faults + complaints == []


def test_the_record_of_a_new_run_appears_at_its_end(scene: Scene) -> None:
    worker = scene.submit("Once")
    worker.stream(" there was")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")

    record = scene.page.get_by_role("region", name="Record")
    record.get_by_text("Text and receipt").click()
    expect(record.get_by_role("group", name="Completion")).to_have_text("there was")
    record.get_by_text("Share and cite").click()
    expect(record.get_by_role("button", name="Copy BibTeX")).to_be_visible()
