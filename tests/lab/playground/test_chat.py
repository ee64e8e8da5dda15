"""Conversations on the page: edited and run, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from inference_workers.contract import (
    ChatTemplate,
    SamplingParams,
    chat_template_key,
    tokenizer_key,
)
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.conversation import Role, Turn, edit_turns
from tests.factories.jobs import GenerationJobFactory
from tests.lab.api.conftest import TOKENIZER
from tests.lab.chat.talking import TEMPLATE
from tests.lab.playground.conftest import Desk

CHAT = "/playground/chat/"
PREVIEW = "/playground/chat/preview/"
CREATE = "/playground/chat/runs/"
JSON = {"Accept": "application/json"}
SAID = {"role": ["system", "user"], "content": ["Be\r\nbrief.", "<b>Hi</b>"]}
PROMPT = "^<system>Be\nbrief.$<user><b>Hi</b>$<assistant>"


@pytest.fixture(autouse=True)
def _template(desk: Desk, valkey: redis.Redis) -> Iterator[None]:
    forget_tokenizers()
    made = ChatTemplate(template=TEMPLATE, bos_token="^", eos_token="$")
    valkey.set(chat_template_key(desk.model.deployment), made.model_dump_json())
    valkey.set(tokenizer_key(desk.model.deployment), TOKENIZER.to_str())
    yield
    forget_tokenizers()


def talk(desk: Desk, **changes: Any) -> dict[str, Any]:
    fields = desk.fields()
    del fields["prompt"]
    return fields | SAID | changes


def turns_of(response: Any) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in response.context["turns"]]


def test_the_playground_leads_to_it_only_with_a_template(desk: Desk, valkey: redis.Redis) -> None:
    with_template = desk.client.get("/playground/").content.decode()
    valkey.delete(chat_template_key(desk.model.deployment))
    without = desk.client.get("/playground/").content.decode()
    page = desk.client.get(CHAT).content.decode()

    assert [f'href="{CHAT}"' in each for each in (with_template, without)] == [True, False]
    assert "None of your models has a chat template" in page


def test_a_run_gets_what_the_template_makes_and_no_second_beginning(desk: Desk) -> None:
    response = desk.client.post(CREATE, talk(desk, temperature="0.25"), headers=JSON)

    job = GenerationJob.objects.get()
    assert (response.status_code, response.json()["url"]) == (201, f"/playground/runs/{job.pk}/")
    assert job.prompt == PROMPT
    assert SamplingParams.model_validate(job.params) == SamplingParams(
        max_tokens=16, temperature=0.25, add_special_tokens=False
    )


def test_the_preview_is_the_prompt_with_its_exact_count(desk: Desk) -> None:
    response = desk.client.post(PREVIEW, talk(desk), headers=JSON)

    assert response.json() == {
        "prompt": PROMPT,
        "tokens": len(PROMPT),
        "is_exact": True,
        "context": 2048,
        "quota": {"tokens": 200_000, "left": 200_000},
    }


def test_without_scripts_the_answer_is_waited_for_and_the_conversation_goes_on(
    desk: Desk,
) -> None:
    begun = desk.client.post(CREATE, talk(desk, top_k="3"))
    job = GenerationJob.objects.get()
    waiting = desk.client.post(CHAT, talk(desk, answer=str(job.pk)))
    done = GenerationJobFactory.create(
        user=desk.user, model=desk.model, succeeded=True, text="<i>Hello"
    )
    ended = desk.client.post(CHAT, talk(desk, answer=str(done.pk), top_k="3"))

    said = [("system", "Be\nbrief."), ("user", "<b>Hi</b>")]
    assert [turns_of(begun), turns_of(waiting)] == [said, said]
    assert [page.context.get("job") for page in (begun, waiting, ended)] == [job, job, None]
    assert turns_of(ended) == [*said, ("assistant", "<i>Hello"), ("user", "")]
    page = ended.content.decode()
    assert f'href="/playground/runs/{done.pk}/"' in page
    assert ("&lt;i&gt;Hello</textarea>" in page, "<i>" in page) == (True, False)
    assert ended.context["form"]["top_k"].value() == "3"


def test_somebody_elses_answer_is_not_shown(desk: Desk) -> None:
    other = GenerationJobFactory.create(succeeded=True, text="secret")

    page = desk.client.post(CHAT, talk(desk, answer=str(other.pk))).content.decode()

    assert "secret" not in page


def test_a_change_without_scripts_comes_back(desk: Desk) -> None:
    added = desk.client.post(CHAT, talk(desk, edit="add", max_tokens="7"))
    moved = desk.client.post(CHAT, talk(desk, edit="down:0"))

    assert turns_of(added)[-1] == ("assistant", "")
    assert added.context["form"]["max_tokens"].value() == "7"
    assert [role for role, _ in turns_of(moved)] == ["user", "system"]


A, B, C = (Turn(content=text) for text in "abc")


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("add", [A, B, C, Turn(Role.ASSISTANT)]),
        ("up:0", [A, B, C]),
        ("up:2", [A, C, B]),
        ("down:0", [B, A, C]),
        ("down:2", [A, B, C]),
        ("remove:1", [A, C]),
        ("remove:3", [A, B, C]),
        ("remove:-1", [A, B, C]),
        ("other", [A, B, C]),
        ("", [A, B, C]),
    ],
)
def test_messages_are_added_moved_and_removed(edit: str, expected: list[Turn]) -> None:
    assert edit_turns([A, B, C], edit) == expected


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"content": ["a", " \n"]}, "messages", "Message 2 is empty. Write it, or remove it."),
        ({"role": [], "content": []}, "messages", "Add a message first."),
        ({"role": ["user"]}, "messages", "These are not messages with a role each."),
        (
            {"role": ["user", "root"]},
            "messages",
            "These are not messages with a role each.",
        ),
        (
            {"role": ["user"] * 201, "content": ["a"] * 201},
            "messages",
            "These are 201 messages; the limit is 200.",
        ),
        (
            {"content": ["a", "b\0"]},
            "messages",
            "The prompt contains a character that is not text. Remove it and run again.",
        ),
        ({"temperature": "9"}, "temperature", "Temperature is between 0 and 2."),
        ({"model": "other"}, "model", None),
    ],
)
def test_a_refusal_names_the_field(
    desk: Desk, changes: dict[str, Any], field: str, message: str | None
) -> None:
    response = desk.client.post(CREATE, talk(desk, **changes), headers=JSON)
    page = desk.client.post(CREATE, talk(desk, **changes))

    assert (response.status_code, page.status_code) == (422, 422)
    assert list(response.json()["errors"]) == [field]
    assert message is None or response.json()["errors"][field] == [message]
    assert GenerationJob.objects.count() == 0


def test_a_template_that_refuses_says_why(desk: Desk, valkey: redis.Redis) -> None:
    strict = ChatTemplate(template="{{ raise_exception('Begin with the user') }}")
    valkey.set(chat_template_key(desk.model.deployment), strict.model_dump_json())

    answers = [desk.client.post(url, talk(desk), headers=JSON) for url in (PREVIEW, CREATE)]

    said = "The model's chat template refuses this conversation: Begin with the user"
    assert [answer.json()["errors"] for answer in answers] == [{"messages": [said]}] * 2
    assert said in desk.client.post(CHAT, talk(desk)).context["prompt"]


def test_too_little_quota_is_refused_with_its_status(desk: Desk, settings: Any) -> None:
    settings.DAILY_TOKEN_QUOTA = 10

    response = desk.client.post(CREATE, talk(desk), headers=JSON)

    assert (response.status_code, response.json()["error"]["code"]) == (429, "quota_exceeded")
