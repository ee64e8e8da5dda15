"""`/v1/completions` returns the model's output, in the shape that clients read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portal.lab.jobs.models import Call, GenerationJob
from tests.inference_workers.conftest import wait_until
from tests.lab.api.conftest import Laboratory, entry, ids_of
from tests.lab.playground.sse import in_thread


async def test_a_text_is_continued(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="Once", max_tokens=7)

    choice = reply["choices"][0]
    assert choice["text"] == " and on"
    assert choice["finish_reason"] == "length"
    assert reply["usage"] == {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    assert reply["id"].startswith("cmpl-")
    assert reply["object"] == "text_completion"
    assert reply["model"] == laboratory.model.slug


async def test_prompts_and_samples_are_numbered_through(laboratory: Laboratory) -> None:
    laboratory.reply = lambda job: f" {job.call_index}"

    reply = await laboratory.ask(prompt=["a", "b"], n=2, max_tokens=2, temperature=1)

    assert [(choice["index"], choice["text"]) for choice in reply["choices"]] == [
        (0, " 0"),
        (1, " 1"),
        (2, " 2"),
        (3, " 3"),
    ]
    assert reply["usage"]["prompt_tokens"] == 4


async def test_greedy_samples_are_runs_like_all_others(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="a", n=3, max_tokens=2, temperature=0)

    assert [choice["text"] for choice in reply["choices"]] == [" a"] * 3
    assert len({choice["job_id"] for choice in reply["choices"]}) == 3
    assert reply["usage"] == {"prompt_tokens": 2, "completion_tokens": 6, "total_tokens": 8}
    for choice in reply["choices"]:
        await laboratory.client.get(f"/v1/jobs/{choice['job_id']}")
    # Each run reads the prompt, and the quota counts what runs do.
    assert (await laboratory.client.get("/v1/usage")).json()["used"] == 3 * (2 + 2)


async def test_a_streams_samples_are_counted_as_they_are_sent(laboratory: Laboratory) -> None:
    content = await stream(
        laboratory,
        prompt="a",
        n=2,
        max_tokens=2,
        temperature=0,
        stream_options={"include_usage": True},
    )

    *pieces, last, _ = read_frames(content)
    texts = {0: "", 1: ""}
    for piece in pieces:
        texts[piece["choices"][0]["index"]] += piece["choices"][0]["text"]
    assert texts == {0: " a", 1: " a"}
    assert last["usage"] == {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}


async def test_the_best_of_samples_come_first(laboratory: Laboratory) -> None:
    """The value of a token falls with its id, so that a reply of low bytes is the most likely."""
    laboratory.reply = lambda job: "zAm"[job.call_index] * 2

    reply = await laboratory.ask(prompt="a", n=2, best_of=3, max_tokens=2)

    assert [choice["text"] for choice in reply["choices"]] == ["AA", "mm"]
    assert [choice["logprobs"] for choice in reply["choices"]] == [None, None]
    assert reply["usage"]["completion_tokens"] == 6


async def test_ids_are_scored_as_evaluation_harnesses_ask(laboratory: Laboratory) -> None:
    ids = ids_of("Once")

    reply = await laboratory.ask(
        prompt=[ids], temperature=0, max_tokens=1, logprobs=1, seed=1234, echo=True
    )

    lists = reply["choices"][0]["logprobs"]
    looked_up = [entry(token, 1) for token in [*ids[1:], *ids_of(" ")]]
    assert lists["tokens"] == ["O", "n", "c", "e", " "]
    assert lists["token_logprobs"] == [None, *(each.logprob for each in looked_up)]
    assert [len(lists[name]) for name in sorted(lists)] == [len(ids) + 1] * 4
    assert lists["text_offset"] == [0, 1, 2, 3, 4]
    assert lists["top_logprobs"][0] is None
    # The token itself is always among them, with the same float.
    assert [
        top[token]
        for token, top in zip(lists["tokens"][1:], lists["top_logprobs"][1:], strict=True)
    ] == lists["token_logprobs"][1:]
    assert reply["choices"][0]["text"] == "Once "


async def test_a_beginning_token_has_no_width_in_the_text(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="Hi", max_tokens=1, logprobs=0, echo=True, temperature=0)

    lists = reply["choices"][0]["logprobs"]
    assert lists["tokens"] == ["</s>", "H", "i", " "]
    assert lists["text_offset"] == [0, 0, 1, 2]
    assert reply["choices"][0]["text"] == "Hi "


@pytest.mark.parametrize(
    ("prompt", "text", "offsets"),
    [
        ("Hi</s>you", "Hi</s>you ", [0, 0, 1, 2, 6, 7, 8, 9]),
        ("</s>x", "</s>x ", [0, 0, 4, 5]),
        # Ids are shown without special tokens, wherever those are.
        ([0, *ids_of("x")], "x ", [0, 0, 1]),
        ([*ids_of("x"), 0, *ids_of("y")], "xy ", [0, 1, 1, 2]),
    ],
)
async def test_offsets_are_places_in_the_text_that_is_shown(
    laboratory: Laboratory, prompt: object, text: str, offsets: list[int]
) -> None:
    body: dict[str, Any] = {
        "prompt": prompt, "max_tokens": 1, "logprobs": 0, "echo": True, "temperature": 0,
    }  # fmt: skip
    reply = await laboratory.ask(**body)
    *pieces, _ = read_frames(await stream(laboratory, **body))

    choices = [piece["choices"][0] for piece in pieces]
    lists = [choice["logprobs"] for choice in choices if choice["logprobs"]]
    assert reply["choices"][0]["text"] == text
    assert reply["choices"][0]["logprobs"]["text_offset"] == offsets
    assert "".join(choice["text"] for choice in choices) == text
    assert [offset for each in lists for offset in each["text_offset"]] == offsets


async def test_a_prompt_left_out_begins_a_document(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(max_tokens=1, return_token_ids=True)

    assert reply["choices"][0]["prompt_token_ids"] == [0]


async def test_prompt_logprobs_are_keyed_by_id(laboratory: Laboratory) -> None:
    ids = ids_of("ab")

    reply = await laboratory.ask(prompt=ids, max_tokens=0, prompt_logprobs=1)

    none, second = reply["choices"][0]["prompt_logprobs"]
    assert none is None
    assert second[str(ids[1])] == {
        "logprob": -1.0 - ids[1] / 1024,
        "rank": 2,
        "decoded_token": "b",
    }
    assert second[str(ids[1] + 1)]["rank"] == 1


async def test_nulls_and_empty_values_are_left_out(laboratory: Laboratory) -> None:
    """As langchain and lm_eval send them."""
    reply = await laboratory.ask(
        prompt="a",
        max_tokens=2,
        stop=[],
        logit_bias={},
        best_of=None,
        logprobs=None,
        seed=None,
        suffix=None,
        stream=None,
        n=None,
    )

    assert reply["choices"][0]["text"] == " a"
    assert reply["gatehouse"]["warnings"] == []


async def test_what_is_not_known_is_ignored_and_named(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="a", max_tokens=2, do_sample=True)

    assert reply["gatehouse"]["warnings"] == ["do_sample is not a known field and was ignored."]


async def test_unless_the_client_is_strict(laboratory: Laboratory) -> None:
    response = await laboratory.client.ask(
        "/v1/completions",
        json={"model": laboratory.model.slug, "prompt": "a", "tempreature": 1},
        **{"Gatehouse-Strict": "true"},
    )

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "tempreature"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"prompt": "a", "temperature": 2.5}, "temperature", "invalid_value"),
        ({"prompt": "a", "max_tokens": "many"}, "max_tokens", "invalid_value"),
        ({"prompt": "a", "suffix": "x"}, "suffix", "unsupported_parameter"),
        ({"prompt": "a", "best_of": 2, "stream": True}, "best_of", "invalid_value"),
        ({"prompt": "a", "best_of": 1, "n": 2}, "best_of", "invalid_value"),
        ({"prompt": []}, "prompt", "invalid_value"),
        ({"prompt": ["a", ""]}, "prompt[1]", "invalid_value"),
        ({"prompt": [1, "a"]}, "prompt", "invalid_value"),
        ({"prompt": [[1], []]}, "prompt[1]", "invalid_value"),
        ({"prompt": [1, -1]}, "prompt[1]", "invalid_value"),
        ({"prompt": [True]}, "prompt[0]", "invalid_value"),
        ({"prompt": {"text": "a"}}, "prompt", "invalid_value"),
        ({"prompt": "a", "logprobs": 101}, "logprobs", "invalid_value"),
        ({"prompt": "a" * 3000, "max_tokens": 1}, "prompt", "context_length_exceeded"),
        ({"prompt": "a", "max_tokens": 4096}, "max_tokens", "context_length_exceeded"),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens", "invalid_value"),
        ({"prompt": "a", "stop": [str(n) for n in range(17)]}, "stop", "invalid_value"),
        ({"prompt": "a", "logit_bias": {"x": 1}}, "logit_bias", "invalid_value"),
        ({"prompt": "a", "logit_bias": {"5": 101}}, "logit_bias", "invalid_value"),
        ({"prompt": "a", "structured_outputs": {}}, "structured_outputs", "invalid_value"),
        ({"prompt": ["a"] * 300, "n": 2}, "prompt", "invalid_value"),
    ],
)
async def test_wrong_values_are_refused_by_name(
    laboratory: Laboratory, body: dict[str, Any], param: str, code: str
) -> None:
    response = await laboratory.client.ask(
        "/v1/completions", json={"model": laboratory.model.slug, **body}
    )

    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert await in_thread(GenerationJob.objects.count) == 0


async def test_a_wide_look_at_a_long_prompt_is_refused_with_the_limit(
    laboratory: Laboratory,
) -> None:
    response = await laboratory.client.ask(
        "/v1/completions",
        json={
            "model": laboratory.model.slug,
            "prompt": [list(range(1, 200))] * 200,
            "max_tokens": 0,
            "prompt_logprobs": -1,
        },
    )

    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, "prompt_logprobs")
    assert "600,000" in error["message"]


def read_frames(content: bytes) -> list[Any]:
    """The pieces of a stream; DONE is kept as it is."""
    data = [line[6:] for line in content.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) if line != "[DONE]" else line for line in data]


async def stream(laboratory: Laboratory, **body: Any) -> bytes:
    async with laboratory.working():
        response = await laboratory.client.ask(
            "/v1/completions", json={"model": laboratory.model.slug, "stream": True, **body}
        )
        assert response["Content-Type"] == "text/event-stream; charset=utf-8"
        return b"".join([piece async for piece in response.streaming_content])


async def test_a_stream_has_only_data_and_comments(laboratory: Laboratory) -> None:
    content = await stream(laboratory, prompt="Once", max_tokens=7)

    lines = {line.partition(":")[0] for line in content.decode().splitlines() if line}
    assert lines == {"data", ""}
    *pieces, end = read_frames(content)
    assert end == "[DONE]"
    assert "".join(piece["choices"][0]["text"] for piece in pieces) == " and on"
    assert [piece["choices"][0]["finish_reason"] for piece in pieces][-1] == "length"
    assert len({piece["id"] for piece in pieces}) == 1


async def test_the_last_piece_of_a_stream_counts(laboratory: Laboratory) -> None:
    content = await stream(
        laboratory, prompt="Once", max_tokens=7, stream_options={"include_usage": True}
    )

    *pieces, last, _ = read_frames(content)
    assert [piece["usage"] for piece in pieces] == [None] * len(pieces)
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 7)


async def test_a_stream_echoes_the_prompt_first(laboratory: Laboratory) -> None:
    content = await stream(laboratory, prompt="Hi", max_tokens=2, echo=True, logprobs=0)

    *pieces, _ = read_frames(content)
    choices = [piece["choices"][0] for piece in pieces]
    assert "".join(choice["text"] for choice in choices) == "Hi a"
    assert choices[0]["logprobs"]["tokens"] == ["</s>", "H", "i"]
    offsets = [place for choice in choices if choice["logprobs"] for place in
               choice["logprobs"]["text_offset"]]  # fmt: skip
    assert offsets == [0, 0, 1, 2, 3]


async def test_streams_of_many_are_told_apart(laboratory: Laboratory) -> None:
    laboratory.reply = lambda job: str(job.call_index) * 3

    content = await stream(laboratory, prompt=["a", "b"], n=2, max_tokens=3)

    texts = dict.fromkeys(range(4), "")
    for piece in read_frames(content)[:-1]:
        texts[piece["choices"][0]["index"]] += piece["choices"][0]["text"]
    assert texts == {0: "000", 1: "111", 2: "222", 3: "333"}


def answered(response: Any) -> str:
    """The broker's key for this."""
    return f"call:{{{response.json()['gatehouse']['call_id']}}}:answered"


async def test_only_an_answer_that_never_came_is_asked_for_again(laboratory: Laboratory) -> None:
    """A client's second try; see `test_runs` for one whose connection broke."""
    body = {"model": laboratory.model.slug, "prompt": "Once", "max_tokens": 3}
    async with laboratory.working():
        first = await laboratory.client.ask("/v1/completions", json=body)
        await wait_until(lambda: laboratory.valkey.exists(answered(first)))
        other = await laboratory.client.ask(
            "/v1/completions", json=body, **{"X-Stainless-Retry-Count": "1"}
        )
        await wait_until(lambda: laboratory.valkey.delete(answered(other)))
        again = await laboratory.client.ask(
            "/v1/completions", json=body, **{"X-Stainless-Retry-Count": "2"}
        )

    assert other.json()["id"] != first.json()["id"]
    assert again.json()["id"] == other.json()["id"]
    assert again.json()["gatehouse"]["is_repeat"] is True


async def test_an_idempotency_key_is_for_one_request(laboratory: Laboratory) -> None:
    body = {"model": laboratory.model.slug, "prompt": "Once", "max_tokens": 3}
    header = {"Idempotency-Key": "mine"}
    async with laboratory.working():
        first = await laboratory.client.ask("/v1/completions", json=body, **header)
        again = await laboratory.client.ask("/v1/completions", json=body, **header)
        other = await laboratory.client.ask(
            "/v1/completions", json={**body, "prompt": "Twice"}, **header
        )

    assert again.json()["choices"] == first.json()["choices"]
    assert other.status_code == 400
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert await in_thread(Call.objects.count) == 1


async def test_2022s_clients_name_the_engine_in_the_path(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(
        f"/v1/engines/{laboratory.model.slug}/completions", prompt="Once", max_tokens=7
    )

    assert reply["choices"][0]["text"] == " and on"
