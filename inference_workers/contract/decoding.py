"""Text from token ids, a token at a time: the same on both sides of the wire.

Workers derive a completion's text from it, and the site the piece of text of each token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

UNFINISHED: Final = "\N{REPLACEMENT CHARACTER}"
CONTEXT_TOKENS: Final = 6
WINDOW_TOKENS: Final = 16
"""A longer window would make every decoding dearer, a shorter one be cut more often."""


class Decoder(Protocol):
    """Turns ids into text, leaving special tokens out."""

    def decode(self, token_ids: Sequence[int]) -> str: ...


class IncrementalDecoder:
    """Decodes token by token and never emits half a character.

    Everything emitted, `finish` included, is together what `decode(context + ids)` adds to
    `decode(context)`, less U+FFFD at its end. Bytes that never become a character are emitted
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
        """The text that this token completes; empty while a character is unfinished."""
        self._window.append(token_id)
        text = self._decoder.decode(self._window)
        if len(text) <= self._emitted or text.endswith(UNFINISHED):
            return ""
        new = text[self._emitted :]
        self._emitted = len(text)
        if len(self._window) >= WINDOW_TOKENS:
            # Everything so far is whole, so the older part of the window has done its service.
            self._window = self._window[-CONTEXT_TOKENS:]
            self._emitted = len(self._decoder.decode(self._window))
        return new

    def finish(self) -> str:
        """Whole characters that came in one token with the beginning of an unfinished one."""
        return self._decoder.decode(self._window)[self._emitted :].rstrip(UNFINISHED)
