"""Chunks are complete, wherever the connection split the bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from inference_workers.contract import FinishReason
from inference_workers.engines.base import Chunk, EngineFailedError
from inference_workers.engines.completion_stream import read_chunks


def event(text: str, ids: list[int], reason: str | None = None) -> bytes:
    choice = {"index": 0, "text": text, "token_ids": ids, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


STREAM = event("a", [1]) + event("é", [2, 3]) + event("", [4], "length") + b"data: [DONE]\n\n"
CHUNKS = [Chunk("a", (1,)), Chunk("é", (2, 3)), Chunk("", (4,), FinishReason.LENGTH)]


async def parts_of(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(*parts: bytes) -> list[Chunk]:
    return [chunk async for chunk in read_chunks(parts_of(*parts))]


async def test_every_cut_gives_the_same_chunks() -> None:
    for cut in range(len(STREAM)):
        assert await read(STREAM[:cut], STREAM[cut:]) == CHUNKS


async def test_bytes_may_come_one_by_one() -> None:
    assert await read(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == CHUNKS


async def test_comments_and_carriage_returns_are_no_chunks() -> None:
    assert await read(b": ping\r\n\r\n", STREAM.replace(b"\n", b"\r\n")) == CHUNKS


async def test_an_error_amid_the_stream_is_named() -> None:
    error = {"error": {"type": "Bad", "code": 500, "param": None, "message": "secret"}}

    with pytest.raises(EngineFailedError, match=r"^Bad code=500 param=None$"):
        await read(event("a", [1]), f"data: {json.dumps(error)}\n\n".encode())
