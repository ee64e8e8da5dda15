"""Text from token ids, one token at a time, and equal on both sides of the wire.

Workers derive a completion's text with it; the site derives the piece of text of each token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

UNFINISHED: Final = "\N{REPLACEMENT CHARACTER}"
CONTEXT_TOKENS: Final = 6
WINDOW_TOKENS: Final = 16
"""A longer window makes every decoding slower; a shorter one is cut more often."""


class Decoder(Protocol):
    """Turns ids into text, without special tokens."""

    def decode(self, token_ids: Sequence[int]) -> str: ...


class IncrementalDecoder:
    """Decodes token by token and never emits part of a character.

    The concatenated output, including `finish`, is what `decode(context + ids)` adds to
    `decode(context)`, without U+FFFD at its end. Bytes that never become a character are emitted
    as U+FFFD once a whole character follows.
    """

    def __init__(self, decoder: Decoder, prompt_ids: Sequence[int]) -> None:
        self._decoder = decoder
        # A few tokens of context, because some tokenizers decode a word's first token
        # differently at the beginning of a text.
        self._window = list(prompt_ids[-CONTEXT_TOKENS:])
        self._emitted = len(decoder.decode(self._window))
        self._context_size = len(self._window)

    def push(self, token_id: int) -> str:
        """The text that this token completes; empty while a character is incomplete."""
        self._window.append(token_id)
        text = self._decoder.decode(self._window)
        if len(text) <= self._emitted or text.endswith(UNFINISHED):
            return ""
        new = text[self._emitted :]
        self._emitted = len(text)
        if len(self._window) >= WINDOW_TOKENS:
            # Everything so far is complete, so the older part of the window is not needed.
            self._window = self._window[-CONTEXT_TOKENS:]
            self._emitted = len(self._decoder.decode(self._window))
        return new

    def finish(self) -> str:
        """Complete characters that came in one token with the start of an incomplete one."""
        return self._decoder.decode(self._window)[self._emitted :].rstrip(UNFINISHED)
