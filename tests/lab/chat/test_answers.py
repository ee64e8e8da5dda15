"""A chat's answer is its completion's, in the words of a chat."""

from __future__ import annotations

from typing import Any

from inference_workers.contract import TokenLogprobs
from portal.lab.api.document.examples import EXAMPLES
from portal.lab.jobs.models import GenerationJob
from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.api.document.test_document import OPERATIONS, faults_of
from tests.lab.chat.talking import PATH, read_pieces, talk, teach
from tests.lab.playground.sse import in_thread

A, B, C, D = ids_of("abcd")


def look_up(token: int, width: int) -> TokenLogprobs:
    """Of `a` and `b`, the likeliest and the third; the engine names the likeliest first."""
    known = {A: (-0.5, 1), B: (-2.5, 3)}
    logprob, rank = known[token]
    return TokenLogprobs(token, logprob, rank, ((A, -0.5), (C, -1.5), (B, -2.5))[:width])


async def test_every_answer_is_a_message_of_the_assistant(laboratory: Laboratory) -> None:
    teach(laboratory)
    laboratory.reply = lambda job: "ab"[job.call_index] * 3

    reply = (await talk(laboratory, n=2, max_tokens=2, seed=7)).json()

    content = OPERATIONS["create_chat_completion"]["responses"]["200"]["content"]
    jobs = await in_thread(list, GenerationJob.objects.order_by("call_index"))
    assert faults_of(reply, content["application/json"]["schema"]) == []
    assert reply["id"] == f"chatcmpl-{jobs[0].call_id.hex if jobs[0].call_id else ''}"
    assert (reply["object"], reply["model"]) == ("chat.completion", laboratory.model.slug)
    assert reply["usage"] == {"prompt_tokens": 21, "completion_tokens": 4, "total_tokens": 25}
    assert reply["choices"] == [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
            "finish_reason": "length",
            "job_id": str(jobs[index].pk),
        }
        for index, text in enumerate(["aa", "bb"])
    ]


async def test_the_documents_example_works_as_it_stands(laboratory: Laboratory) -> None:
    teach(laboratory)
    body = {**(EXAMPLES["create_chat_completion"].request or {}), "model": laboratory.model.slug}

    async with laboratory.working():
        response = await laboratory.client.ask(PATH, json=body)

    assert response.status_code == 200


async def test_log_probabilities_are_named_token_by_token(laboratory: Laboratory) -> None:
    teach(laboratory)
    laboratory.reply = lambda job: "ab"
    laboratory.look_up = look_up

    reply = (await talk(laboratory, max_tokens=2, logprobs=True, top_logprobs=3)).json()

    a, b, c = (
        {"token": token, "logprob": value, "bytes": [ord(token)]}
        for token, value in (("a", -0.5), ("b", -2.5), ("c", -1.5))
    )
    assert reply["choices"][0]["logprobs"] == {
        "content": [{**a, "top_logprobs": [a, c, b]}, {**b, "top_logprobs": [a, c, b]}],
        "refusal": None,
    }


async def test_no_more_of_the_likeliest_are_named_than_asked_for(laboratory: Laboratory) -> None:
    """The token itself is always among them."""
    teach(laboratory)
    laboratory.reply = lambda job: "ab"
    laboratory.look_up = look_up

    async def named(**body: Any) -> list[list[str]] | None:
        reply = (await talk(laboratory, max_tokens=2, **body)).json()
        lists = reply["choices"][0]["logprobs"]
        return lists and [
            [top["token"] for top in each["top_logprobs"]] for each in lists["content"]
        ]

    assert await named(logprobs=True, top_logprobs=1) == [["a"], ["a", "b"]]
    assert await named(logprobs=True) == [["a"], ["b"]]
    assert await named(logprobs=False) is None
    assert await named() is None


async def test_part_of_a_character_has_no_bytes_of_its_own(laboratory: Laboratory) -> None:
    """`é` is two tokens, of which neither is a text."""
    teach(laboratory)
    laboratory.reply = lambda job: "é"
    laboratory.look_up = lambda token, width: TokenLogprobs(token, -0.5, 1, ())

    reply = (await talk(laboratory, max_tokens=2, logprobs=True)).json()

    first, second = reply["choices"][0]["logprobs"]["content"]
    assert (first["token"], first["bytes"]) == ("\N{REPLACEMENT CHARACTER}", None)
    assert (second["token"], second["bytes"]) == ("\N{REPLACEMENT CHARACTER}", None)


async def test_a_stream_is_made_of_the_same(laboratory: Laboratory) -> None:
    teach(laboratory)
    laboratory.reply = lambda job: "ab"
    laboratory.look_up = look_up

    *pieces, last, end = await read_pieces(
        laboratory,
        max_tokens=2,
        logprobs=True,
        top_logprobs=1,
        stream_options={"include_usage": True},
    )

    call_id = (await in_thread(GenerationJob.objects.get)).call_id
    assert call_id is not None
    deltas = [piece["choices"][0] for piece in pieces]
    assert end == "[DONE]"
    assert {(piece["id"], piece["object"]) for piece in [*pieces, last]} == {
        (f"chatcmpl-{call_id.hex}", "chat.completion.chunk")
    }
    assert [each["delta"] for each in deltas] == [
        {"role": "assistant", "content": text} for text in ("a", "b", "")
    ]
    assert [each["finish_reason"] for each in deltas] == [None, None, "length"]
    assert [each["logprobs"] and each["logprobs"]["content"][0]["logprob"] for each in deltas] == [
        -0.5, -2.5, None,
    ]  # fmt: skip
    assert (last["choices"], last["usage"]) == (
        [], {"prompt_tokens": 21, "completion_tokens": 2, "total_tokens": 23},
    )  # fmt: skip
