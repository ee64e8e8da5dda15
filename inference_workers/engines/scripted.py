"""A deterministic engine inside the worker, for tests and benchmarks without a model.

Its tokens are UTF-8 bytes, 256 for the end of text and 257 for the end of the prompt, by which it
recognises a continued prompt. The completion depends on the prompt alone, so a continued run must
give the same result as an uninterrupted one. A prompt may begin with directives for the engine's
behaviour, such as `[delay=0.02][die=5] text`.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from inference_workers.contract import FinishReason, TokenLogprobs
from inference_workers.engines.base import (
    Chunk,
    EngineFailedError,
    EngineLoad,
    EngineRefusedError,
    EngineRequest,
    EngineUnavailableError,
    ScoredPrompt,
)

END_OF_TEXT = 256
END_OF_PROMPT = 257
VOCABULARY = 258
DIRECTIVE = re.compile(r"\[([a-z]+)=([0-9.]+)\]")
DEFAULT_DELAY_SECONDS = 0.0
ALPHABET = "the model writes naïve “words” and a 🙂 again. "


class ByteDecoder:
    """Decodes the scripted engine's tokens."""

    def decode(self, token_ids: Sequence[int]) -> str:
        raw = bytes(token for token in token_ids if token < END_OF_TEXT)
        return raw.decode("utf-8", errors="replace")


@dataclass(slots=True)
class Script:
    """The engine's behaviour for one prompt.

    `delay`: seconds before each token. `length`: tokens before the end of text. `die`: tokens of
    one stream before the request fails. `hang`: tokens before the engine goes silent.
    """

    delay: float = DEFAULT_DELAY_SECONDS
    length: int = 10_000
    die: int = -1
    hang: int = -1


@dataclass(slots=True)
class ScriptedEngine:
    """Records its requests, and can be switched off and on."""

    is_up: bool = True
    requests: list[EngineRequest] = field(default_factory=list)
    running: int = 0
    deaths_left: int = 1
    """How many `die` directives still work; a restarted engine does not die again."""

    async def tokenize(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        self._require_up()
        if "\0" in text:
            raise EngineRefusedError("BadRequestError code=400 param=prompt")
        end = [END_OF_PROMPT] if add_special_tokens else []
        return [*text.encode(), *end] if text else []

    async def generate(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        self._require_up()
        self.requests.append(request)
        self.running += 1
        try:
            async for chunk in self._stream(request):
                yield chunk
        finally:
            self.running -= 1

    async def score(self, request: EngineRequest) -> ScoredPrompt:
        """Score the prompt; every token is the second likeliest, as in `look_up`."""
        async for first in self.generate(replace(request, max_tokens=1)):
            width = request.sampling.prompt_logprobs or 0
            ids = request.prompt_ids
            return ScoredPrompt((None, *(look_up(token, width=width) for token in ids[1:])), first)
        raise EngineFailedError("nothing was generated")

    async def distribution(self, request: EngineRequest) -> Sequence[float]:
        """A uniform distribution."""
        self._require_up()
        self.requests.append(request)
        return [-math.log(VOCABULARY)] * VOCABULARY

    async def version(self) -> str:
        return "1"

    async def is_healthy(self) -> bool:
        return self.is_up

    async def load(self) -> EngineLoad:
        self._require_up()
        return EngineLoad(running=self.running, waiting=0)

    async def metrics(self) -> str:
        self._require_up()
        return ""

    async def close(self) -> None:
        """Do nothing, since nothing is open."""

    async def _stream(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        prompt, done = split_prompt(request.prompt_ids)
        script = read_script(prompt)
        for count in range(request.max_tokens):
            await asyncio.sleep(script.delay)
            if not self.is_up:
                raise EngineFailedError("the engine was switched off")
            if count == script.hang:
                await asyncio.Event().wait()
            if count == script.die and self.deaths_left > 0:
                self.deaths_left -= 1
                raise EngineFailedError("the script says so")
            token = next_token(prompt, done + count, script)
            width = request.sampling.logprobs
            looked_up = () if width is None else (look_up(token, width=width),)
            if token == END_OF_TEXT:
                yield Chunk("", (token,), FinishReason.STOP, looked_up)
                return
            is_last = count == request.max_tokens - 1
            yield Chunk("", (token,), FinishReason.LENGTH if is_last else None, looked_up)

    def _require_up(self) -> None:
        if not self.is_up:
            raise EngineUnavailableError("the engine is switched off")


def look_up(token: int, *, width: int) -> TokenLogprobs:
    """The token as the second likeliest, with its neighbours in the list."""
    top = [((token + 1) % VOCABULARY, -0.5), (token, -1.25)]
    top += [((token + place) % VOCABULARY, -1.0 - place) for place in range(2, width)]
    return TokenLogprobs(token, -1.25, 2, tuple(top[:width]))


def split_prompt(prompt_ids: Sequence[int]) -> tuple[bytes, int]:
    """The prompt itself, and how many tokens of its completion follow it."""
    if END_OF_PROMPT not in prompt_ids:
        # Given as ids: a prompt that is not a continued one.
        return bytes(token % 256 for token in prompt_ids), 0
    end = list(prompt_ids).index(END_OF_PROMPT)
    return bytes(prompt_ids[:end]), len(prompt_ids) - end - 1


def read_script(prompt: bytes) -> Script:
    """The directives at the beginning of a prompt; unknown ones are ignored."""
    script, position, text = Script(), 0, prompt.decode("utf-8", errors="replace")
    while match := DIRECTIVE.match(text, position):
        name, value = match.groups()
        if name == "delay":
            script.delay = float(value)
        elif name in {"length", "die", "hang"}:
            setattr(script, name, int(value))
        position = match.end()
    return script


def next_token(prompt: bytes, index: int, script: Script) -> int:
    """The completion's token number `index`."""
    if index >= script.length:
        return END_OF_TEXT
    letters = ALPHABET.encode()
    return letters[(len(prompt) + index) % len(letters)]
