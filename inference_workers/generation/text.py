"""Text of a completion as a function of its token ids alone.

The text that a reader holds must be the same whether one engine produced the ids in one go
or two workers did after a crash. So it is derived here, from the ids, and not taken from an
engine, which decodes every request afresh and would see neither half of a character nor half
of a stop string that straddles the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from inference_workers.contract import Decoder, FinishReason, IncrementalDecoder
from inference_workers.engines.base import Chunk


@dataclass(frozen=True, slots=True)
class Piece:
    """What new tokens added: final text, and the ids that count."""

    text: str
    token_ids: tuple[int, ...]
    stopped: bool = False
    """A stop string was completed; ids after the completing one are left out."""


class StopWatch:
    """Finds the first stop string to be completed, and holds back what might begin one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """Text that is safe to show, and whether a stop string was completed."""
        if not self._stops:
            return text, False
        buffer = self._held + text
        starts = [(index, stop) for stop in self._stops if (index := buffer.find(stop)) >= 0]
        if starts:
            # The earliest to end wins, and of two that end together the one listed first.
            index, _ = min(starts, key=lambda start: start[0] + len(start[1]))
            self._held = ""
            return buffer[:index], True
        keep = max(self._overlap(buffer, stop) for stop in self._stops)
        cut = len(buffer) - keep
        self._held = buffer[cut:]
        return buffer[:cut], False

    def flush(self) -> str:
        """What was held back, once nothing more will follow."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _overlap(buffer: str, stop: str) -> int:
        """Length of the longest end of `buffer` that begins `stop`."""
        longest = min(len(stop) - 1, len(buffer))
        return next((n for n in range(longest, 0, -1) if stop.startswith(buffer[-n:])), 0)


class CompletionText:
    """Text deltas of one completion: whole characters, nothing of a stop string.

    The state depends only on the prompt ids, the stop strings and the ids pushed, so a second
    worker that pushes the same ids arrives at the same text.
    """

    def __init__(self, decoder: Decoder, prompt_ids: Sequence[int], stops: Sequence[str]) -> None:
        self._decoder = IncrementalDecoder(decoder, prompt_ids)
        self._stops = StopWatch(stops)

    def push(self, token_ids: Iterable[int]) -> Piece:
        """Add tokens in order; the first that completes a stop string is the last that counts."""
        text, used = [], []
        for token_id in token_ids:
            used.append(token_id)
            shown, stopped = self._stops.push(self._decoder.push(token_id))
            text.append(shown)
            if stopped:
                return Piece("".join(text), tuple(used), stopped=True)
        return Piece("".join(text), tuple(used))

    def finish(self) -> str:
        """The text held back so far; an unfinished character at the very end is left out."""
        shown, stopped = self._stops.push(self._decoder.finish())
        return shown if stopped else shown + self._stops.flush()


class CompletionSource(Protocol):
    """Where a completion's text comes from."""

    engine_stops: tuple[str, ...]
    """Stop strings that the engine has to look for."""

    def push(self, chunk: Chunk) -> Piece: ...

    def finish(self) -> str: ...


class DerivedText:
    """Text derived from the ids; the engine's own text is ignored."""

    engine_stops: tuple[str, ...] = ()

    def __init__(self, text: CompletionText) -> None:
        self._text = text

    def push(self, chunk: Chunk) -> Piece:
        if chunk.finish_reason is not FinishReason.STOP or not chunk.token_ids:
            return self._text.push(chunk.token_ids)
        # Told of no stop strings, the engine stops at an end-of-text token alone: it counts,
        # but it is not text.
        piece = self._text.push(chunk.token_ids[:-1])
        return piece if piece.stopped else Piece(piece.text, chunk.token_ids)

    def finish(self) -> str:
        return self._text.finish()


class EngineText:
    """Text as the engine gives it, where no tokenizer is at hand; cannot be continued."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self.engine_stops = stops

    def push(self, chunk: Chunk) -> Piece:
        return Piece(chunk.text, chunk.token_ids)

    def finish(self) -> str:
        return ""
