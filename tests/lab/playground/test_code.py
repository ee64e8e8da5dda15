"""View code: the editor's document and parameters as programs, with and without scripts."""

from __future__ import annotations

import ast
from html import escape
from typing import Any

from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.forms import DEFAULTS
from tests.lab.playground.conftest import Desk

CODE = "/playground/code/"
JSON = {"Accept": "application/json"}
PROMPT = "<b>Once</b> & 'twice'"


def fields(desk: Desk, **changes: Any) -> dict[str, Any]:
    own = {name: "" if value is None else value for name, value in DEFAULTS.items()}
    return {**own, "model": desk.model.slug, "prompt": PROMPT, **changes}


def test_every_client_gets_the_prompt_and_the_model(desk: Desk) -> None:
    response = desk.client.post(CODE, fields(desk, temperature="0.25"), headers=JSON)

    snippets = {each["label"]: each["code"] for each in response.json()["snippets"]}
    assert list(snippets) == ["curl", "openai", "lm_eval", "langchain", "litellm"]
    assert [label for label, code in snippets.items() if desk.model.slug not in code] == []
    assert [label for label, code in snippets.items() if "0.25" not in code] == []
    assert f"prompt={PROMPT!r}" in snippets["openai"]
    assert GenerationJob.objects.count() == 0


def test_without_scripts_it_is_a_page_on_which_the_prompt_is_text(desk: Desk) -> None:
    page = desk.client.post(CODE, fields(desk)).content.decode()

    assert escape(f"prompt={PROMPT!r}") in page
    assert "<b>Once</b>" not in page


def test_a_field_at_fault_is_named(desk: Desk) -> None:
    response = desk.client.post(CODE, fields(desk, temperature="9"), headers=JSON)

    assert response.status_code == 422
    assert response.json() == {
        "errors": {"temperature": ["Temperature is between 0 and 2."]},
        # Without it the page would report a fault of the site.
        "error": {
            "code": "invalid_value",
            "message": "Some fields have errors. They are marked.",
            "next_step": None,
        },
    }
    page = desk.client.post(CODE, fields(desk, temperature="9"))
    assert page.status_code == 422
    assert "Temperature is between 0 and 2." in page.content.decode()


def test_rare_samplers_are_in_the_code(desk: Desk) -> None:
    rare = {
        "min_p": "0.1",
        "logit_bias": "id 5: -2",
        "add_special_tokens": "without",
        "structure_kind": "choice",
        "structure": "yes\nno",
    }

    response = desk.client.post(CODE, fields(desk, prompt="p", **rare), headers=JSON)

    code = next(each["code"] for each in response.json()["snippets"] if each["label"] == "openai")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    (call,) = (each for each in calls if ast.unparse(each.func) == "client.completions.create")
    assert {str(word.arg): ast.literal_eval(word.value) for word in call.keywords} == {
        "model": desk.model.slug,
        "prompt": "p",
        "max_tokens": 128,
        "temperature": 0.7,
        "logprobs": 5,
        "logit_bias": {5: -2.0},
        "extra_body": {
            "min_p": 0.1,
            "add_special_tokens": False,
            "structured_outputs": {"choice": ["yes", "no"]},
        },
    }
