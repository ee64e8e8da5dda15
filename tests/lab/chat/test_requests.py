"""What a chat may say: carried over to its run exactly, or refused by the name it has in a chat."""

from __future__ import annotations

from typing import Any

from pytest_django import Settings

from portal.gate.access.enums import KeyScope
from portal.lab.jobs.models import Call, GenerationJob
from portal.lab.quota.models import Reservation
from tests.factories.jobs import make_researcher
from tests.lab.api.client import aclient_of
from tests.lab.api.conftest import Laboratory
from tests.lab.chat.talking import HI, PATH, refusal, talk, teach
from tests.lab.playground.sse import in_thread

FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": "Hi"}, "messages"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [*HI, {"role": "tool", "content": "Hi"}]}, "messages[1].role"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"max_completion_tokens": True}, "max_completion_tokens"),
    ({"top_logprobs": 1}, "top_logprobs"),
    ({"top_logprobs": 1, "logprobs": False}, "top_logprobs"),
    ({"top_logprobs": 101, "logprobs": True}, "top_logprobs"),
    ({"logprobs": 5}, "logprobs"),
    ({"temperature": 2.5}, "temperature"),
    ({"stop": ["a"] * 17}, "stop"),
    ({"n": 129}, "n"),
]
UNSUPPORTED: list[tuple[dict[str, Any], str]] = [
    ({"prompt": "Hi"}, "prompt"),
    ({"best_of": 2}, "best_of"),
    ({"echo": True}, "echo"),
    ({"prompt_logprobs": 0}, "prompt_logprobs"),
    ({"add_special_tokens": True}, "add_special_tokens"),
    ({"add_generation_prompt": False}, "add_generation_prompt"),
    ({"chat_template": "{{ messages }}"}, "chat_template"),
    ({"tools": [{"type": "function"}]}, "tools"),
    ({"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "a"}]}]},
     "messages[0].tool_calls"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}, {"type": "audio"}]}]},
     "messages[0].content[1].type"),
]  # fmt: skip


async def test_wrong_values_are_refused_by_name(laboratory: Laboratory) -> None:
    teach(laboratory)

    refusals = [await refusal(laboratory, **body) for body, _ in FAULTS]

    assert refusals == [[400, "invalid_value", param] for _, param in FAULTS]
    assert await in_thread(GenerationJob.objects.count) == 0


async def test_what_cannot_be_honoured_is_refused(laboratory: Laboratory) -> None:
    teach(laboratory)

    refusals = [await refusal(laboratory, **body) for body, _ in UNSUPPORTED]

    assert refusals == [[400, "unsupported_parameter", param] for _, param in UNSUPPORTED]


async def test_what_changes_nothing_is_taken_and_named_by_its_place(
    laboratory: Laboratory,
) -> None:
    teach(laboratory)
    message = {"role": "user", "content": "Hi", "name": "Ann", "mood": "glad"}

    reply = (
        await talk(laboratory, messages=[message], best_of=1, echo=False, user="ann", max_tokens=1)
    ).json()

    assert reply["gatehouse"]["warnings"] == [
        "user changes no answer and was ignored.",
        "messages[0].name changes no answer and was ignored.",
        "messages[0].mood is not a known field and was ignored.",
    ]


async def test_a_strict_client_hears_of_what_is_not_known(laboratory: Laboratory) -> None:
    teach(laboratory)
    body = {"model": laboratory.model.slug, "messages": [{**HI[0], "mood": "glad"}]}

    response = await laboratory.client.ask(PATH, json=body, **{"Gatehouse-Strict": "true"})

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (
        400, "unsupported_parameter", "messages[0].mood",
    )  # fmt: skip


async def test_left_out_the_answer_may_be_as_long_as_the_context_holds(
    laboratory: Laboratory,
) -> None:
    """2,048, of which the prompt takes 21; or as long as either name of the limit says."""
    teach(laboratory)
    asked: list[dict[str, Any]] = [
        {},
        {"max_tokens": None},
        {"max_tokens": 5},
        {"max_completion_tokens": 6},
        {"max_tokens": 5, "max_completion_tokens": 6},
        {"max_tokens": 2027},
    ]

    for body in asked:
        assert (await talk(laboratory, **body)).status_code == 200

    jobs = await in_thread(list, GenerationJob.objects.order_by("created_at"))
    assert [job.params["max_tokens"] for job in jobs] == [2027, 2027, 5, 6, 6, 2027]


async def test_what_does_not_fit_is_refused_by_the_name_that_said_it(
    laboratory: Laboratory,
) -> None:
    teach(laboratory)
    long = [{"role": "user", "content": "a" * 2048}]
    asked: list[tuple[dict[str, Any], str]] = [
        ({"max_tokens": 2028}, "max_tokens"),
        ({"max_completion_tokens": 2028}, "max_completion_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 2028}, "max_completion_tokens"),
        ({"messages": long}, "messages"),
        ({"messages": long, "max_tokens": 5}, "messages"),
    ]

    refusals = [await refusal(laboratory, **body) for body, _ in asked]

    assert refusals == [[400, "context_length_exceeded", param] for _, param in asked]


async def test_parameters_reach_the_run_unchanged(laboratory: Laboratory) -> None:
    teach(laboratory)
    asked = {
        "temperature": 0.1 + 0.2,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.05,
        "presence_penalty": -1.5,
        "frequency_penalty": 0.25,
        "repetition_penalty": 1.1,
        "seed": 2**63 - 1,
        "min_tokens": 2,
        "ignore_eos": True,
        "max_tokens": 3,
    }

    response = await talk(laboratory, **asked, stop="x", logit_bias={"5": -100})

    job = await in_thread(GenerationJob.objects.get)
    assert response.status_code == 200
    assert {name: job.params[name] for name in asked} == asked
    assert (job.params["stop"], job.params["logit_bias"]) == (["x"], {"5": -100.0})
    assert (job.params["logprobs"], job.params["prompt_logprobs"]) == (None, None)


async def test_the_quota_sets_the_answer_aside_and_counts_what_was_made(
    laboratory: Laboratory, settings: Settings
) -> None:
    """21 tokens of the prompt, 3 of the answer, and another 3 in the second sample."""
    teach(laboratory)
    settings.DAILY_TOKEN_QUOTA = 53
    refused = [
        await refusal(laboratory, max_tokens=6, n=2),
        await refusal(laboratory, max_completion_tokens=6, n=2),
    ]
    settings.DAILY_TOKEN_QUOTA = 54
    laboratory.reply = lambda job: "abc"
    reply = (await talk(laboratory, max_tokens=6, n=2)).json()
    for choice in reply["choices"]:
        await laboratory.client.get(f"/v1/jobs/{choice['job_id']}")

    kept = await in_thread(list, Reservation.objects.all())
    assert refused == [
        [429, "quota_exceeded", "max_tokens"],
        [429, "quota_exceeded", "max_completion_tokens"],
    ]
    assert [(each.reserved_tokens, each.used_tokens) for each in kept] == [(27, 24)] * 2
    assert (await laboratory.client.get("/v1/usage")).json()["used"] == 48


async def test_an_idempotency_key_is_for_one_conversation_of_one_person(
    laboratory: Laboratory,
) -> None:
    teach(laboratory)
    header = {"Idempotency-Key": "mine"}
    body = {"model": laboratory.model.slug, "messages": HI, "max_tokens": 2}
    stranger, _ = await in_thread(make_researcher, laboratory.model)
    theirs = await aclient_of(stranger)
    async with laboratory.working():
        first = await laboratory.client.ask(PATH, json=body, **header)
        again = await laboratory.client.ask(PATH, json=body, **header)
        other = await laboratory.client.ask(PATH, json={**body, "max_tokens": 3}, **header)
        another = await theirs.ask(PATH, json=body, **header)

    assert again.json()["choices"] == first.json()["choices"]
    assert again.json()["gatehouse"]["is_repeat"] is True
    assert (other.status_code, other.json()["error"]["code"]) == (400, "idempotency_key_reused")
    assert another.json()["gatehouse"]["is_repeat"] is False
    assert another.json()["id"] != first.json()["id"]
    assert await in_thread(Call.objects.filter(endpoint=PATH).count) == 2


async def test_a_key_for_something_else_opens_no_chat(laboratory: Laboratory) -> None:
    teach(laboratory)
    laboratory.client = await aclient_of(laboratory.user, scopes=[KeyScope.LOGPROBS])

    assert await refusal(laboratory) == [403, "key_scope", None]
