"""Presets, rare samplers, marks and the quota in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from inference_workers.contract import SamplingParams, tokenizer_key
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from portal.lab.presets.domain.saving import save_preset, share_preset
from portal.lab.presets.models import Preset
from tests.e2e.browser import judge
from tests.factories.teams import MemberFactory, TeamFactory
from tests.factories.usage import reserve_tokens
from tests.lab.api.conftest import TOKENIZER
from tests.lab.playground.browser.conftest import PROMPT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SELECTED = """() => {
  const { selectionStart, selectionEnd } = document.querySelector("[name=prompt]");
  return [selectionStart, selectionEnd];
}"""


def value(page: Page, name: str) -> str:
    return page.locator(f"[name={name}]").input_value()


def test_a_preset_fills_the_fields_and_is_named_while_they_have_its_values(scene: Scene) -> None:
    page = scene.page
    chosen = page.locator("[data-preset]")

    chosen.select_option(label="RealToxicityPrompts (OPT paper)")
    assert [value(page, name) for name in ("max_tokens", "temperature", "top_p")] == [
        "20",
        "1",
        "0.9",
    ]
    page.fill("[name=top_k]", "40")
    expect(chosen).to_have_value("")
    page.fill("[name=top_k]", "0")
    expect(chosen).not_to_have_value("")
    scene.submit()
    assert SamplingParams.model_validate(GenerationJob.objects.get().params) == SamplingParams(
        max_tokens=20, temperature=1, top_p=0.9, logprobs=5
    )


def test_the_present_parameters_are_saved_and_chosen_again(scene: Scene) -> None:
    page = scene.page
    save = page.locator("[data-preset-save]")
    page.fill("[name=temperature]", "0.25")
    save.locator("summary").click()
    page.fill("[name=preset_name]", "Cold")
    page.keyboard.press("Enter")

    expect(page.locator("[data-preset-saved]")).to_have_text("Saved as Cold.")
    preset = Preset.objects.get()
    expect(page.locator("[data-preset]")).to_have_value(str(preset.pk))
    page.fill("[name=preset_name]", "Cold")
    save.get_by_role("button", name="Save").click()
    expect(page.locator("[data-error=preset_name]")).to_contain_text("already have a preset")
    assert GenerationJob.objects.count() == 0

    page.fill("[name=temperature]", "2")
    scene.open(f"/playground/?preset={preset.pk}")
    assert value(page, "temperature") == "0.25"
    expect(page.locator("[data-preset]")).to_have_value(str(preset.pk))


def test_an_error_of_a_rare_sampler_opens_what_hides_it(scene: Scene) -> None:
    page = scene.page
    page.locator("[data-samplers] > summary").click()
    page.fill("[name=logit_bias]", "Paris: 2")
    page.locator("[data-samplers] > summary").click()
    page.fill("textarea[name=prompt]", PROMPT)
    page.keyboard.press("Control+Enter")

    expect(page.locator("[data-error=logit_bias]")).to_be_visible()
    expect(page.locator("[name=logit_bias]")).to_be_focused()
    scene.open()
    expect(page.locator("[name=logit_bias]")).to_be_visible()
    page.get_by_role("button", name="Reset all parameters").click()
    scene.open()
    expect(page.locator("[name=logit_bias]")).to_be_hidden()


def test_marks_name_what_cannot_be_seen(scene: Scene) -> None:
    forget_tokenizers()
    scene.valkey.set(tokenizer_key(scene.model.deployment), TOKENIZER.to_str())
    page, marks = scene.page, scene.page.locator("[data-marks] button")
    page.fill("textarea[name=prompt]", "a\u00a0b\u00a0\u202ec")
    expect(marks).to_have_text(
        [
            "</s> before the text",
            "2 \N{MULTIPLICATION SIGN} no-break space U+00A0",
            "right-to-left override U+202E",
        ]
    )

    page.evaluate("document.querySelector('[name=prompt]').setSelectionRange(2, 2)")
    marks.nth(1).click()
    selected = page.evaluate(SELECTED)
    assert selected == [3, 4]
    before = page.locator("[data-count-text]").text_content()
    marks.nth(0).click()
    expect(marks.nth(0)).to_have_text("</s> left out")
    expect(page.locator("[data-count-text]")).not_to_have_text(before or "")
    assert value(page, "add_special_tokens") == "without"
    assert judge(page) == []
    forget_tokenizers()


def test_a_run_that_needs_more_than_is_left_is_warned_of(scene: Scene) -> None:
    page = scene.page
    warning = page.locator("[data-quota-warning]")
    reserve_tokens(scene.user, tokens=199_900, model=scene.model)
    page.fill("textarea[name=prompt]", "abc")

    expect(warning).to_have_text(
        "This run may need 132 tokens, and 100 are left. Lower max tokens or shorten the prompt."
    )
    expect(page.locator("[data-quota]")).to_have_text("100 of 200,000 daily tokens left")
    page.fill("[name=n]", "3")
    expect(warning).to_contain_text("may need 396 tokens")
    page.fill("[name=max_tokens]", "10")
    expect(warning).to_be_hidden()


def test_the_page_of_presets_is_accessible_and_fits(scene: Scene) -> None:
    team = TeamFactory.create(application=scene.user.applications.get())
    mate = MemberFactory.create(team=team).user
    assert mate is not None
    params = SamplingParams(max_tokens=64, temperature=0.5, stop=("\n",))
    save_preset(scene.user, name="A name " * 8, sampling=params)
    share_preset(save_preset(mate, name="Theirs", sampling=params), team_id=team.pk)

    scene.page.goto(f"{scene.site}/playground/presets/")

    assert judge(scene.page, "presets") == []
