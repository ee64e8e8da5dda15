"""Hostile texts in the playground: text wherever they appear, or refused in clear words."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from tests.e2e.browser import judge
from tests.lab.playground.browser.conftest import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MARKUP = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
ANSI = "\x1b[31mred\x1b[0m"
BIDI = "\u202egnp.exe\u202c"
JOINERS = "\U0001f469\u200d\U0001f52c\u200b\u00ad\ufeff"
HOSTILE = f"{MARKUP} {ANSI} {BIDI} {JOINERS}"


def notice(scene: Scene) -> str:
    found = scene.page.locator("[data-notices] .notice, [data-error=prompt]:not([hidden])")
    expect(found.first).to_be_visible()
    return " ".join(found.all_inner_texts())


def test_hostile_texts_are_text_on_every_page(scene: Scene) -> None:
    worker = scene.submit(HOSTILE)
    worker.stream(f" {HOSTILE}")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")
    assert scene.document == f"{HOSTILE} {HOSTILE}"
    job = GenerationJob.objects.get(pk=worker.job_id)
    assert (job.prompt, job.text) == (HOSTILE, f" {HOSTILE}")
    other = scene.submit(f"{scene.document} again")
    record_outcome(other.outcome(other.end()))
    scene.expect_state("succeeded")

    scene.page.get_by_label("Name", exact=True).fill(MARKUP)
    scene.page.get_by_role("button", name="Save", exact=True).click()
    for path in (
        f"runs/{job.pk}/",
        f"runs/{other.job_id}/",
        "history/",
        f"compare/?runs={job.pk},{other.job_id}",
        f"?from={job.pk}",
    ):
        scene.page.goto(f"{scene.site}/playground/{path}")
        assert judge(scene.page) == []
        assert scene.page.locator("main img").count() == 0
        assert "owned" not in scene.page.title()


def test_a_nul_is_refused_by_name_and_the_text_kept(scene: Scene) -> None:
    scene.page.fill("textarea[name=prompt]", "before\0after")
    scene.page.keyboard.press("Control+Enter")

    assert "The prompt contains a character that is not text." in notice(scene)
    assert scene.document == "before\0after"
    assert not GenerationJob.objects.exists()


def test_half_of_a_surrogate_pair_becomes_the_replacement_character(scene: Scene) -> None:
    scene.page.locator("textarea[name=prompt]").evaluate(
        "(field) => { field.value = 'a\\ud800b'; field.dispatchEvent(new Event('input')); }"
    )
    scene.page.locator("textarea[name=prompt]").press("Control+Enter")
    expect(scene.page.locator(".chip--queued")).to_be_visible()

    assert GenerationJob.objects.get().prompt == "a\N{REPLACEMENT CHARACTER}b"


def test_a_prompt_of_a_hundred_thousand_tokens_is_refused_with_its_length(scene: Scene) -> None:
    long = "word " * 100_000
    scene.page.fill("textarea[name=prompt]", long)
    scene.page.keyboard.press("Control+Enter")

    assert "The prompt has 500,000 characters, far more than the model's context" in notice(scene)
    assert scene.document == long


def test_a_file_that_is_too_large_is_refused_with_the_limit(scene: Scene, tmp_path: Path) -> None:
    large = tmp_path / "runs.jsonl"
    large.write_bytes(b'{"text": "a"}\n' * 1_300_000)
    scene.page.goto(f"{scene.site}/playground/imports/")
    scene.page.get_by_label("File").set_input_files(large)
    scene.page.get_by_role("button", name="Import").click()

    expect(scene.page.get_by_role("main")).to_contain_text("Split the file into several.")
    assert judge(scene.page) == []
