"""The stand-in streams as vLLM does, and a continued run equals an undisturbed one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models

from benchmarks.stand_in_engine import WORDS, Connection, Engine, text_of

IDS = tuple(range(100, 100 + len(WORDS)))
PROMPT, PROMPT_ID = "x", 7


@pytest.fixture
async def socket(tmp_path: Path) -> AsyncIterator[Path]:
    vocabulary = {**dict(zip(WORDS, IDS, strict=True)), PROMPT: PROMPT_ID}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=PROMPT))
    engine, path = Engine(rate=10_000.0, tokenizer=tokenizer), tmp_path / "s"
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: Connection(engine), str(path)
    )
    clock = asyncio.create_task(engine.run())
    async with server:
        yield path
    clock.cancel()
    await asyncio.gather(clock, return_exceptions=True)


async def complete(socket: Path, **body: Any) -> list[dict[str, Any]]:
    """The events of one streamed completion."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    raw = json.dumps({"stream": True, "return_token_ids": True, **body}).encode()
    writer.write(b"POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw)
    answer = await reader.readuntil(b"0\r\n\r\n")
    writer.close()
    lines = [line[6:] for line in answer.split(b"\n") if line.startswith(b"data: ")]
    assert lines[-1] == b"[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def gather(events: list[dict[str, Any]]) -> tuple[str, list[int]]:
    choices = [choice for event in events for choice in event["choices"]]
    ids = [token for choice in choices for token in choice["token_ids"]]
    return "".join(choice["text"] for choice in choices), ids


async def test_the_text_is_that_of_the_places(socket: Path) -> None:
    text, ids = gather(await complete(socket, prompt=PROMPT, max_tokens=20))

    assert text == text_of(range(20))
    assert ids == [IDS[place % len(IDS)] for place in range(20)]


async def test_a_continuation_equals_the_undisturbed_run(socket: Path) -> None:
    text, ids = gather(await complete(socket, prompt=PROMPT, max_tokens=20))
    first, first_ids = gather(await complete(socket, prompt=[PROMPT_ID], max_tokens=7))
    rest, rest_ids = gather(await complete(socket, prompt=[PROMPT_ID, *first_ids], max_tokens=13))

    assert (first + rest, first_ids + rest_ids) == (text, ids)


@pytest.mark.parametrize(
    ("interval", "sizes"), [(1, [1] * 6), (2, [1, 2, 2, 1]), (4, [1, 4, 1]), (16, [1, 5])]
)
async def test_the_first_token_comes_alone_and_the_others_by_the_interval(
    socket: Path, interval: int, sizes: list[int]
) -> None:
    events = await complete(socket, prompt=PROMPT, max_tokens=6, stream_interval=interval)

    choices = [event["choices"][0] for event in events]
    assert [len(choice["token_ids"]) for choice in choices] == sizes
    assert [choice["finish_reason"] for choice in choices] == [
        *[None] * (len(sizes) - 1), "length",
    ]  # fmt: skip


async def test_usage_comes_last_where_it_is_asked_for(socket: Path) -> None:
    events = await complete(
        socket, prompt=PROMPT, max_tokens=5, stream_options={"include_usage": True}
    )

    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] == 5
