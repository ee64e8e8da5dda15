"""Tokens are counted as the server reports them, and a broken stream is not a finished one."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.openai_readers import Address, OpenAIReaders
from benchmarks.run import Run
from tests.benchmarks.fake_server import FakeServer, chunked, reply, serving

DONE = b"data: [DONE]\n\n"
FINISH = {"index": 0, "finish_reason": "length"}


def event(*choices: dict[str, Any], **more: Any) -> bytes:
    return f"data: {json.dumps({'choices': choices, **more})}\n\n".encode()


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"index": 0, "text": words, **more}


def usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 1, "completion_tokens": tokens}


async def read(answer: bytes, *, key: str = "") -> tuple[Run, OpenAIReaders, FakeServer]:
    async with serving(answer) as server:
        readers = OpenAIReaders(Address(port=server.port), model="m", key=key)
        return await readers.run(max_tokens=3), readers, server


async def test_tokens_are_the_ids_of_the_events() -> None:
    run, readers, _ = await read(
        chunked(
            event(text("a", token_ids=[1])),
            event(text("bc", token_ids=[2, 3], finish_reason="length")),
            DONE,
        )
    )

    assert (run.end, run.error, run.text, run.tokens, run.frames) == ("done", "", "abc", 3, 2)
    assert (readers.tokens, readers.streaming) == (3, 0)
    assert run.submitted_at <= run.accepted_at <= run.first_at <= run.ended_at


async def test_usage_has_the_last_word() -> None:
    run, readers, _ = await read(
        chunked(event(text("ab")), event(FINISH), event(usage=usage(5)), DONE)
    )

    assert (run.tokens, readers.tokens, run.end) == (5, 5, "done")


async def test_a_choice_without_text_is_no_token() -> None:
    run, *_ = await read(chunked(event(text("a")), event({"index": 0}), event(FINISH), DONE))

    assert (run.tokens, run.frames) == (1, 1)


async def test_a_stream_without_a_finish_reason_is_broken_off() -> None:
    run, *_ = await read(chunked(event(text("a")), DONE))

    assert run.end == "broken off"


async def test_a_connection_that_ends_early_is_an_error() -> None:
    run, readers, _ = await read(chunked(event(text("a"))))

    assert (run.end, run.error.partition(":")[0]) == ("", "IncompleteReadError")
    assert readers.streaming == 0


async def test_a_refusal_is_an_error() -> None:
    run, *_ = await read(reply(b"no key", status=401))

    assert (run.end, run.error) == ("", "ValueError: 401 b'no key'")


async def test_an_error_amid_the_stream_is_the_runs() -> None:
    run, *_ = await read(chunked(event(text("a")), b'data: {"error": "overloaded"}\n\n'))

    assert (run.end, run.error) == ("", "ValueError: overloaded")


async def test_the_request_asks_for_a_greedy_stream_with_usage() -> None:
    _, _, server = await read(chunked(event(FINISH), DONE), key="sk-1")

    head, _, body = server.requests[0].partition("\r\n\r\n")
    assert "Authorization: Bearer sk-1" in head.split("\r\n")
    assert json.loads(body) == {
        "model": "m",
        "prompt": "Write",
        "max_tokens": 3,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
