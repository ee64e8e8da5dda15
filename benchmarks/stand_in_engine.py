"""A vLLM server without a model, to measure the path between engine and reader.

    STAND_IN_RATE=20 python -m benchmarks.stand_in_engine --model WEIGHTS (--uds PATH | --port N)

It has the endpoints that the portal's worker and LiteLLM use, streams STAND_IN_RATE tokens per
second to every request, however many there are, and sends `stream_interval` tokens in one chunk
like vLLM. Its tokens are ids of the weights' tokenizer, and each is a function of the token before
it, so a continued run must equal an undisturbed one. A prompt must not end with one of its words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvloop
from tokenizers import Tokenizer

HOST = "127.0.0.1"
MODEL = "smollm2-135m"
WORDS = (" The", " model", " writes", " a", " few", " more", " words", ",")
FIRST_TOKEN_SECONDS = 0.02
DEFAULT_RATE = 20.0
TICK_SECONDS = 0.005
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
DONE = b"data: [DONE]\n\n"


@dataclass(eq=False, slots=True)
class Stream:
    """One request in progress."""

    transport: asyncio.WriteTransport
    request_id: str
    prompt_tokens: int
    begins_at: int
    """The index of its first word."""
    max_tokens: int
    interval: int
    with_ids: bool
    with_usage: bool
    logprobs: int | None
    sent: int = 0
    due_at: float = 0.0


@dataclass(slots=True)
class Engine:
    """All streams, driven by one clock."""

    rate: float
    tokenizer: Tokenizer
    streams: set[Stream] = field(default_factory=set)
    tokens_done: int = 0
    token_ids: tuple[int, ...] = field(init=False)
    """The id of each word."""

    def __post_init__(self) -> None:
        self.token_ids = tuple(self.tokenize(word, special=False)[0] for word in WORDS)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Ids from the weights' tokenizer."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=special).ids
        return ids

    def begin(self, stream: Stream) -> None:
        stream.due_at = time.monotonic() + FIRST_TOKEN_SECONDS
        self.streams.add(stream)

    async def run(self) -> None:
        """Send the tokens that are due, forever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for stream in [stream for stream in self.streams if stream.due_at <= now]:
                self._send(stream)

    def _send(self, stream: Stream) -> None:
        # vLLM sends the first token immediately and collects tokens from the second on.
        count = 1 if stream.sent == 0 else min(stream.interval, stream.max_tokens - stream.sent)
        frames = self._frame(stream, count)
        stream.sent += count
        self.tokens_done += count
        left = stream.max_tokens - stream.sent
        if left == 0:
            frames += (_frame_usage(stream) if stream.with_usage else b"") + DONE
            stream.transport.write(_chunk(frames) + b"0\r\n\r\n")
            self.streams.discard(stream)
            return
        stream.transport.write(_chunk(frames))
        stream.due_at += min(stream.interval, left) / self.rate

    def _frame(self, stream: Stream, count: int) -> bytes:
        first = stream.begins_at + stream.sent
        places = range(first, first + count)
        choice: dict[str, Any] = {
            "index": 0,
            "text": text_of(places),
            "logprobs": None,
            "finish_reason": "length" if stream.sent + count == stream.max_tokens else None,
            "stop_reason": None,
        }
        ids = [self.token_ids[place % len(WORDS)] for place in places]
        if stream.with_ids:
            choice["token_ids"] = ids
        if stream.logprobs is not None:
            choice["logprobs"] = self._invent_logprobs(ids, width=stream.logprobs)
        return _event(stream.request_id, [choice], usage=None)

    def _invent_logprobs(self, ids: list[int], *, width: int) -> dict[str, Any]:
        """Each token after the others of its distribution, which are the other words."""
        tops = []
        for token in ids:
            others = [other for other in self.token_ids if other != token][: max(0, width - 1)]
            logprobs = [-0.7 * place for place in range(1, len(others) + 2)]
            names = [f"token_id:{one}" for one in (*others, token)]
            tops.append(dict(zip(names, logprobs, strict=True)))
        return {
            "tokens": [f"token_id:{token}" for token in ids],
            "token_logprobs": [list(top.values())[-1] for top in tops],
            "top_logprobs": tops,
        }


def text_of(places: Iterable[int]) -> str:
    """The text of the tokens at these positions after the prompt."""
    return "".join(WORDS[place % len(WORDS)] for place in places)


def _frame_usage(stream: Stream) -> bytes:
    usage = {
        "prompt_tokens": stream.prompt_tokens,
        "completion_tokens": stream.sent,
        "total_tokens": stream.prompt_tokens + stream.sent,
    }
    return _event(stream.request_id, [], usage=usage)


def _event(request_id: str, choices: list[dict[str, Any]], *, usage: object) -> bytes:
    body = {
        "id": request_id,
        "object": "text_completion",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": choices,
        "usage": usage,
    }
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


class Connection(asyncio.Protocol):
    """Minimal HTTP/1.1, for a client that sends one request at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._buffer = b""
        self._stream: Stream | None = None
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, _: Exception | None) -> None:
        if self._stream is not None:
            self._engine.streams.discard(self._stream)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        first, *others = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (o.partition(": ") for o in others)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._answer(first.split(" ")[1], json.loads(rest[:length]) if length else {})

    def _answer(self, path: str, body: dict[str, Any]) -> None:
        engine = self._engine
        match path:
            case "/v1/completions" if body.get("stream"):
                self._begin(body)
            case "/tokenize":
                ids = engine.tokenize(body["prompt"], special=body.get("add_special_tokens", True))
                self._reply({"count": len(ids), "tokens": ids})
            case "/metrics":
                self._reply(
                    f'vllm:num_requests_running{{engine="0"}} {len(engine.streams)}.0\n'
                    f'vllm:generation_tokens_total{{engine="0"}} {engine.tokens_done}.0\n'
                )
            case _:
                self._reply({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def _begin(self, body: dict[str, Any]) -> None:
        prompt, words = body["prompt"], self._engine.token_ids
        ids = prompt if isinstance(prompt, list) else self._engine.tokenize(prompt, special=True)
        self._stream = Stream(
            self._transport,
            request_id=body.get("request_id", "cmpl-0"),
            prompt_tokens=len(ids),
            begins_at=words.index(ids[-1]) + 1 if ids[-1] in words else 0,
            max_tokens=int(body.get("max_tokens") or 16),
            interval=int(body.get("stream_interval") or 1),
            with_ids=bool(body.get("return_token_ids")),
            logprobs=body.get("logprobs"),
            with_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        )
        self._transport.write(HEAD)
        self._engine.begin(self._stream)

    def _reply(self, body: object) -> None:
        if isinstance(body, str):
            kind, raw = b"text/plain", body.encode()
        else:
            kind, raw = b"application/json", json.dumps(body).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (kind, len(raw), raw)
        )


async def serve(options: argparse.Namespace) -> None:
    """Serve until the process ends."""
    rate = float(os.environ.get("STAND_IN_RATE", DEFAULT_RATE))
    engine = Engine(rate=rate, tokenizer=Tokenizer.from_file(f"{options.model}/tokenizer.json"))
    loop = asyncio.get_running_loop()
    if options.uds:
        await loop.create_unix_server(lambda: Connection(engine), options.uds, backlog=2048)
    if options.port:
        await loop.create_server(lambda: Connection(engine), HOST, options.port, backlog=2048)
    await engine.run()


def main() -> None:
    """Run with vLLM's arguments, most of which are ignored."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--uds", default="")
    parser.add_argument("--port", type=int, default=0)
    options, _ = parser.parse_known_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options))


if __name__ == "__main__":
    main()
