"""A prompt's ids as the engine would give them, without a request for every prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from inference_workers.contract import GenerationRequest
from inference_workers.engines.base import Engine, EngineRefusedError, EngineUnavailableError
from inference_workers.logs import get_logger

PROBES: Final = (
    "1, 2, 3",
    "  Two  spaces,\ta tab\n\nand\r\nlines ",
    "na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve cafe\N{COMBINING ACUTE ACCENT} \N{EM DASH} 100 %",
    "\N{HIRAGANA LETTER A}\N{KATAKANA LETTER A}\N{NO-BREAK SPACE}\N{SLIGHTLY SMILING FACE}",
    "<s>a</s> <pad><unk><|endoftext|><|im_start|>user",
    "def f(x):\n    return x['y'] != 0x1F",
)
"""Texts in which tokenizers of the same family differ: spaces, special tokens, composed letters."""
LONG_CHARACTERS: Final = 16_384
"""A text of this length takes milliseconds, so it is encoded in a thread."""
PAUSE_SECONDS: Final = 1.0
"""Before an unavailable engine is asked again; the monitor notices it meanwhile."""

log = get_logger(__name__)


class Encoder(Protocol):
    """Turns text into ids."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Sequence[int]: ...


class PromptReader:
    """Reads prompts with the files beside the weights once these have given the engine's own ids.

    Before that, and if they differ for any of PROBES or are not on this host, the engine is asked
    for each prompt.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._learnt: Encoder | None = None
        self._has_learnt = asyncio.Event()
        self._proved: Encoder | None = None

    def learn(self, encoder: Encoder) -> None:
        """Set the encoder that was found beside the weights; `run` proves it."""
        self._learnt, self._proved = encoder, None
        self._has_learnt.set()

    async def read(self, request: GenerationRequest) -> Sequence[int]:
        """The exact ids: as given, or as the engine reads the text.

        Raises `EngineUnavailableError` or `EngineRefusedError`.
        """
        if request.prompt_token_ids:
            return request.prompt_token_ids
        text, special = request.prompt, request.sampling.add_special_tokens
        if self._proved is None:
            return await self._engine.tokenize(text, add_special_tokens=special)
        if len(text) < LONG_CHARACTERS:
            return self._proved.encode(text, add_special_tokens=special)
        return await asyncio.to_thread(self._proved.encode, text, add_special_tokens=special)

    async def run(self, wait_for_engine: Callable[[], Awaitable[None]]) -> None:
        """Prove every learnt encoder, forever. No prompt waits for this."""
        while True:
            await self._has_learnt.wait()
            await wait_for_engine()
            try:
                await self.prove()
            except EngineUnavailableError:
                await asyncio.sleep(PAUSE_SECONDS)

    async def prove(self) -> None:
        """Use the files for prompts from now on, if they give the engine's ids.

        Raises `EngineUnavailableError` without a decision.
        """
        encoder = self._learnt
        is_proved = encoder is not None and await self._gives_the_engines_ids(encoder)
        if encoder is not self._learnt:
            return
        self._has_learnt.clear()
        if is_proved:
            self._proved = encoder
        else:
            log.warning("tokenizer_differs_from_engine")

    async def _gives_the_engines_ids(self, encoder: Encoder) -> bool:
        try:
            for text in PROBES:
                for special in (True, False):
                    ids = await self._engine.tokenize(text, add_special_tokens=special)
                    if list(encoder.encode(text, add_special_tokens=special)) != ids:
                        return False
        except EngineRefusedError:
            return False
        return True
