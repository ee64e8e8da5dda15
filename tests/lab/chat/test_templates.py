"""A conversation becomes the prompt that the model's own template makes of it."""

from __future__ import annotations

import pytest

from inference_workers.contract import chat_template_key
from portal.lab.jobs.models import GenerationJob
from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.chat.talking import HI, HI_PROMPT, PATH, prompt_of, refusal, talk, teach
from tests.lab.playground.sse import in_thread


async def test_every_message_is_in_the_prompt_and_nothing_else(laboratory: Laboratory) -> None:
    teach(laboratory)

    prompt = await prompt_of(
        laboratory,
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": ""},
        {"role": "user", "content": "Hi <b> & “bye”"},
        {"role": "assistant", "content": "Yes?"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "One"},
                {"type": "text", "text": None},
                {"type": "text", "text": "Two"},
            ],
        },
    )

    assert prompt == (
        "^<system>Be brief.$<developer>$<user>Hi <b> & “bye”$<assistant>Yes?$<user>OneTwo$"
        "<assistant>"
    )


async def test_the_template_writes_what_a_text_begins_with(laboratory: Laboratory) -> None:
    """The laboratory's tokenizer would put `</s>` before it."""
    teach(laboratory)

    reply = (await talk(laboratory, max_tokens=1)).json()

    job = await in_thread(GenerationJob.objects.get)
    await laboratory.client.get(f"/v1/jobs/{job.pk}")
    await in_thread(job.refresh_from_db)
    assert job.params["add_special_tokens"] is False
    assert job.prompt_token_ids == ids_of(HI_PROMPT)
    assert reply["usage"]["prompt_tokens"] == 21


async def test_templates_are_rendered_as_transformers_renders_them(
    laboratory: Laboratory,
) -> None:
    """Blocks take their line's end and indentation along, JSON is not escaped, loops may break."""
    teach(
        laboratory,
        "{% for m in messages %}\n"
        "    {% if loop.index > 1 %}\n"
        "        {% break %}\n"
        "    {% endif %}\n"
        "{{ m | tojson }}\n"
        "{% endfor %}\n"
        "{{ {'a': 'é'} | tojson(indent=1) }}",
    )

    prompt = await prompt_of(
        laboratory, {"role": "user", "content": "“<é>”"}, {"role": "user", "content": "b"}
    )

    assert prompt == '{"role": "user", "content": "“<é>”"}\n{\n "a": "é"\n}'


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ raise_exception('Roles have to alternate.') }}", "Roles have to alternate."),
        ("{{ messages[3].content }}", "list object has no element 3"),
        ("{{ ''.__class__.__mro__ }}", "attribute '__class__' of 'str' object is unsafe."),
        ("{% set _ = messages.append(1) %}", "'append' of 'list' object is unsafe"),
        ("{% frobnicate %}", "unknown tag 'frobnicate'"),
    ],
)  # fmt: skip
async def test_what_a_template_refuses_is_refused_in_its_words(
    laboratory: Laboratory, template: str, told: str
) -> None:
    teach(laboratory, template)

    response = await talk(laboratory)

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (
        400, "invalid_value", "messages",
    )  # fmt: skip
    head, _, words = error["message"].partition(": ")
    assert head == "The model's chat template refuses this conversation"
    assert told in words
    assert await in_thread(GenerationJob.objects.count) == 0


async def test_a_model_without_a_template_says_where_to_go(laboratory: Laboratory) -> None:
    missing = await laboratory.client.ask(
        PATH, json={"model": laboratory.model.slug, "messages": HI}
    )
    laboratory.valkey.set(chat_template_key(laboratory.model.deployment), "no template at all")

    error = missing.json()["error"]
    assert (missing.status_code, error["code"], error["param"]) == (
        404, "no_chat_template", "model",
    )  # fmt: skip
    assert error["message"] == (
        f"{laboratory.model.name} continues texts and has no chat template. Send your text as "
        "`prompt` to /v1/completions."
    )
    assert error["next_step"] == "http://testserver/docs/api/"
    assert await refusal(laboratory) == [404, "no_chat_template", "model"]
