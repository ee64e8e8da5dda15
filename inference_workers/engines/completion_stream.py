"""The events of vLLM's streamed completions.

Read packet by packet: aiohttp's own iteration over lines costs three waits per event.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from inference_workers.contract import FinishReason
from inference_workers.engines.base import (
    Chunk,
    EngineRefusedError,
    EngineReportedError,
)
from inference_workers.engines.logprobs import read_generated


async def read_chunks(
    parts: AsyncIterator[bytes], *, width: int | None = None
) -> AsyncIterator[Chunk]:
    """The chunks of a completion whose bytes come in `parts`, which may end anywhere.

    `width` is the requested number of likeliest tokens.

    Raises `EngineRefusedError` or `EngineReportedError` for an error in the stream.
    """
    rest = b""
    async for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if not line.startswith(b"data: "):
                continue
            payload = line[6:].strip()
            if payload == b"[DONE]":
                return
            message = json.loads(payload)
            if "error" in message:
                _raise_error(message["error"])
            for choice in message["choices"]:
                yield read_choice(choice, width=width)


def read_choice(choice: dict[str, Any], *, width: int | None = None) -> Chunk:
    """One choice of a response or of a part of one; raises `EngineReportedError`."""
    reason = choice.get("finish_reason")
    if reason not in (None, "stop", "length"):
        raise EngineReportedError(f"the engine ended the request with {reason!r}")
    return Chunk(
        text=choice["text"],
        token_ids=tuple(choice.get("token_ids") or ()),
        finish_reason=FinishReason(reason) if reason else None,
        logprobs=()
        if width is None or not choice.get("logprobs")
        else read_generated(choice["logprobs"], width=width),
    )


def _raise_error(error: dict[str, Any]) -> None:
    code = int(error.get("code") or 500)
    if 400 <= code < 500:
        raise EngineRefusedError(name_error(error))
    raise EngineReportedError(name_error(error))


def name_error(error: dict[str, Any]) -> str:
    """The error's type, code and parameter only: the engine's message may quote the prompt."""
    return f"{error.get('type')} code={error.get('code')} param={error.get('param')}"
