"""The sample run of a release: its file, its loading, and the home page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.gate.catalog.domain.loading import load_release
from portal.gate.catalog.domain.sample import write_percent
from portal.gate.catalog.models import SampleRun
from portal.gate.catalog.release_folder import ReleaseFolderError
from tests.e2e.browser import DESKTOP, judge, launched_browser, open_page
from tests.gate.catalog.folders import RELEASE, write_release

LIMA: dict[str, Any] = {
    "id": 11,
    "text": " Lima",
    "logprob": -0.0513,
    "rank": 1,
    "top": [
        {"id": 11, "text": " Lima", "logprob": -0.0513},
        {"id": 12, "text": " a", "logprob": -4.2},
    ],
}
LINE: dict[str, Any] = {
    "id": 13,
    "text": "\n",
    "logprob": -9.5,
    "rank": 800,
    "top": [{"id": 14, "text": ".", "logprob": -0.5}],
}
SAMPLE: dict[str, Any] = {
    "id": "1234abcd",
    "model": "tiny-1.5m",
    "created_at": "2026-11-30T08:00:00Z",
    "sampling": {"max_tokens": 2, "temperature": 0.5},
    "prompt": "The capital of Peru is",
    "tokens": [LIMA, LINE],
    "provenance": {
        "engine": "vllm",
        "engine_version": "0.11.0",
        "weights": "sha256:0f",
        "dtype": "bfloat16",
    },
}
KEY = 'data_card = "text.md"\n'


def write_folder(folder: Path, sample: object = SAMPLE, *, raw: str | None = None) -> Path:
    (folder / "sample.json").write_text(json.dumps(sample) if raw is None else raw)
    return write_release(folder, RELEASE.replace(KEY, f'{KEY}sample_run = "sample.json"\n'))


def change(path: str, value: object) -> dict[str, Any]:
    """The sample with another value at `tokens.0.id`, for example; None removes it."""
    sample: Any = deepcopy(SAMPLE)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    here = sample
    for step in steps:
        here = here[step]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return dict(sample)


@pytest.mark.django_db
def test_a_sample_is_loaded_once_replaced_and_removed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    assert load_release(folder).releases == ["tiny"]
    assert load_release(folder).is_empty
    assert SampleRun.objects.get().content == SAMPLE

    write_folder(tmp_path, change("prompt", "The capital of Chile is"))
    assert load_release(folder).releases == ["tiny"]
    assert SampleRun.objects.get().content["prompt"] == "The capital of Chile is"

    assert load_release(write_release(tmp_path)).releases == ["tiny"]
    assert SampleRun.objects.count() == 0
    assert load_release(folder).is_empty


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("prompt", None, "sample.json: prompt: Field required"),
        ("prompt", "", "sample.json: prompt: String should have at least 1 character"),
        ("tokens", [], "sample.json: tokens: Tuple should have at least 1 item"),
        ("tokens.1.logprob", 0.1, "sample.json: tokens.1.logprob: Input should be less"),
        ("tokens.0.rank", 0, "sample.json: tokens.0.rank: Input should be greater"),
        ("tokens.0.top.1.id", "12", "sample.json: tokens.0.top.1.id: Input should be a valid int"),
        ("tokens.0.colour", "red", "sample.json: tokens.0.colour: Extra inputs"),
        ("created_at", "2026-11-30", "sample.json: created_at: "),
        ("provenance.weights", None, "sample.json: provenance.weights: Field required"),
        ("tokens", [change("tokens.1.text", " ")["tokens"][1]], "sample.json: tokens: their texts"),
    ],
)
def test_a_wrong_file_is_named_with_its_field_and_nothing_is_loaded(
    tmp_path: Path, path: str, value: object, problem: str
) -> None:
    with pytest.raises(ReleaseFolderError) as refusal:
        load_release(write_folder(tmp_path, change(path, value)))

    (found,) = refusal.value.problems
    assert found.startswith(f"{tmp_path / 'release.toml'}: release.tiny.sample_run: {problem}")
    assert SampleRun.objects.count() == 0


@pytest.mark.django_db
def test_all_wrong_fields_a_broken_file_and_a_foreign_model_are_named(tmp_path: Path) -> None:
    def problems() -> str:
        with pytest.raises(ReleaseFolderError) as refusal:
            load_release(tmp_path)
        return str(refusal.value).partition("release.tiny")[2]

    write_folder(tmp_path, {**SAMPLE, "prompt": 1, "id": 2})
    assert problems() == (
        ".sample_run: sample.json: id: Input should be a valid string; "
        "prompt: Input should be a valid string"
    )
    write_folder(tmp_path, raw='{"prompt": ')
    assert problems().startswith(".sample_run: sample.json: Invalid JSON: EOF while parsing")
    write_folder(tmp_path, change("model", "opt-175b"))
    assert problems() == ": sample_run: model: there is no model 'opt-175b' here"


@pytest.mark.django_db
def test_a_visitor_reads_the_sample_and_its_alternatives(client: Client, tmp_path: Path) -> None:
    load_release(write_folder(tmp_path))

    page = client.get("/").content.decode()

    tokens = re.findall(r'sample__token--(\d)"[^>]* data-sample-token>([^<]*)<', page)
    assert tokens == [("1", " Lima"), ("5", "\n")]
    facts = re.findall(r"<li data-sample-facts>(.*?)</ul>\s*<p[^>]*>(.*?)</p>", page, re.DOTALL)
    words = [unescape(re.sub(r"<[^>]+>|\s+", " ", "".join(fact))).split() for fact in facts]
    assert [" ".join(found) for found in words] == [
        "·Lima 95.00 %, rank 1 ·Lima 95.00 % , generated ·a 1.50 % All other tokens: 3.50 %",
        "\\n 7.5e-3 %, rank 800 . 60.65 % \\n 7.5e-3 % , generated All other tokens: 39.34 %",
    ]
    assert page.count("max tokens 2, temperature 0.5; vllm 0.11.0, bfloat16.") == 1
    assert page.count("Tiny, by nobody. For study only.") == 1


@pytest.mark.django_db
def test_without_a_sample_the_page_has_no_place_for_it(client: Client, tmp_path: Path) -> None:
    load_release(write_release(tmp_path))

    page = client.get("/").content.decode()

    assert (page.count("sample"), page.count("token by token")) == (0, 0)


@pytest.mark.django_db
def test_texts_of_a_sample_are_never_markup(client: Client, tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>"
    sample = change("tokens.0.text", attack)
    sample["prompt"] = sample["tokens"][0]["top"][1]["text"] = attack
    load_release(write_folder(tmp_path, sample))

    page = client.get("/").content.decode()

    assert (page.count("<script>"), page.count("&lt;script&gt;") >= 3) == (0, True)


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "0 %"), (1, "100.00 %"), (0.0001, "0.01 %"), (4.1e-9, "4.1e-7 %"), (0.613, "61.30 %")],
)
def test_probabilities_are_written_as_the_playground_writes_them(
    probability: float, text: str
) -> None:
    assert write_percent(probability) == text


@pytest.fixture
def page() -> Iterator[Page]:
    with pytest.MonkeyPatch.context() as environment, launched_browser() as chromium:
        # Playwright's event loop is idle in this thread while the test's queries run.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        complaints: list[str] = []
        yield open_page(chromium.new_context(viewport=DESKTOP), complaints)
        assert complaints == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_tokens_are_chosen_by_keys_and_by_pointer(
    page: Page, live_server: LiveServer, tmp_path: Path
) -> None:
    load_release(write_folder(tmp_path))
    page.goto(live_server.url)
    panel = page.locator("[data-sample-panel]")

    expect(panel.locator(".sample__head")).to_have_text("\\n 7.5e-3 %, rank 800")
    page.get_by_role("button", name="\\n", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    lima = page.get_by_role("button", name="·Lima", exact=True)
    expect(lima).to_be_focused()
    expect(panel.locator(".sample__head")).to_have_text("·Lima 95.00 %, rank 1")
    page.keyboard.press("ArrowLeft")
    expect(lima).to_be_focused()
    assert judge(page, "home-sample") == []
