"""Going back and forth over typing and runs, and the tree below the document."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.models import Node
from tests.e2e.browser import judge
from tests.factories.jobs import FakeWorker
from tests.lab.playground.browser.conftest import PROMPT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def finish(scene: Scene, prompt: str, *words: str) -> GenerationJob:
    """Run the prompt to its end, which generates the words."""
    worker = scene.submit(prompt)
    complete(scene, worker, *words)
    return GenerationJob.objects.get(pk=worker.job_id)


def complete(scene: Scene, worker: FakeWorker, *words: str) -> None:
    worker.stream(*words)
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")


def place_cursor(scene: Scene, position: int) -> None:
    scene.page.locator("textarea[name=prompt]").evaluate(
        "(field, position) => { field.focus(); field.setSelectionRange(position, position); }",
        position,
    )


def test_undo_and_redo_go_over_runs_and_edits_alike(scene: Scene) -> None:
    field = scene.page.locator("textarea[name=prompt]")
    first = finish(scene, PROMPT, " there", " was")
    field.focus()
    scene.page.keyboard.press("Control+End")
    scene.page.keyboard.type(" one")
    scene.expect_document(f"{PROMPT} there was one")

    scene.page.keyboard.press("Control+z")
    scene.expect_document(f"{PROMPT} there was")
    assert scene.page.url == f"{scene.site}/playground/runs/{first.pk}/"
    assert scene.tinted == [" there was"]
    scene.page.keyboard.press("Control+z")
    scene.expect_document(PROMPT)
    assert scene.page.url == f"{scene.site}/playground/"

    scene.page.keyboard.press("Control+Shift+z")
    scene.page.get_by_role("button", name="Redo").click()
    scene.expect_document(f"{PROMPT} there was one")
    expect(scene.page.get_by_role("button", name="Redo")).to_be_disabled()


def test_a_run_from_the_cursor_branches_and_the_rest_can_be_had_back(scene: Scene) -> None:
    first = finish(scene, PROMPT, " there", " was")
    place_cursor(scene, len(PROMPT) + len(" there"))

    before = GenerationJob.objects.count()
    scene.page.get_by_role("button", name="Run from the cursor").click()
    worker = scene.take_job(before)
    complete(scene, worker, " is")

    scene.expect_document(f"{PROMPT} there is")
    branch = GenerationJob.objects.get(pk=worker.job_id)
    assert (branch.prompt, Node.objects.get(job=branch).parent_id) == (f"{PROMPT} there", first.pk)
    rows = scene.page.locator(".tree__row")
    expect(rows).to_have_text([f"{PROMPT} there was", f"{PROMPT} there is"])
    assert rows.nth(1).locator("[aria-current]").count() == 1

    for _ in range(2):
        scene.page.keyboard.press("Control+z")
    scene.expect_document(f"{PROMPT} there was")


def test_the_run_below_the_document_has_a_name_and_pleases_axe(scene: Scene) -> None:
    first = finish(scene, PROMPT, " there", " was")
    finish(scene, f"{PROMPT} there was once", " a", " king")
    finish(scene, f"{PROMPT} there was once", " a", " queen")
    expect(scene.page.locator(".tree__row")).to_have_count(3)

    scene.page.get_by_label("Name", exact=True).fill("The queen")
    scene.page.get_by_label("Starred").check()
    scene.page.get_by_role("button", name="Save").click()

    expect(scene.page.locator(".messages")).to_contain_text("Noted.")
    expect(scene.page.locator(".tree__name")).to_have_text("The queen")
    assert Node.objects.filter(tree=first.pk, is_starred=True).count() == 1
    assert judge(scene.page, "tree") == []


def test_the_record_appears_once_it_is_made_after_the_last_token(scene: Scene) -> None:
    worker = scene.submit(PROMPT)
    worker.stream(" there")
    end = worker.end()
    scene.expect_state("succeeded")
    record = scene.page.locator(".run-record")
    expect(record).to_contain_text("The record is complete when the run has ended.")

    record_outcome(worker.outcome(end))

    expect(record.get_by_text("Text and receipt")).to_be_visible()


def test_the_completion_of_a_run_that_is_opened_again_can_be_undone(scene: Scene) -> None:
    first = finish(scene, PROMPT, " there", " was")
    scene.open(f"/playground/runs/{first.pk}/")

    scene.page.get_by_role("button", name="Undo").click()
    scene.expect_document(PROMPT)
    scene.page.get_by_role("button", name="Redo").click()

    scene.expect_document(f"{PROMPT} there was")
    assert scene.page.url == f"{scene.site}/playground/runs/{first.pk}/"
