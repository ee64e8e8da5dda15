"""The text of a completion as a function of its token ids alone.

A reader's text must be the same whether one engine produced the ids in one go or two workers did
after a crash. So it is derived from the ids here, and not taken from an engine. An engine decodes
every request from the start, and would miss a character or a stop string that spans two requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from inference_workers.contract import Decoder, FinishReason, IncrementalDecoder
from inference_workers.engines.base import Chunk


@dataclass(frozen=True, slots=True)
class Piece:
    """What new tokens add: final text, and the ids that count."""

    text: str
    token_ids: tuple[int, ...]
    stopped: bool = False
    """A stop string was completed; later ids are left out."""


class StopWatch:
    """Finds the first completed stop string, and holds back text that might begin one."""

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
            # The earliest end wins; if two end together, the one listed first.
            index, _ = min(starts, key=lambda start: start[0] + len(start[1]))
            self._held = ""
            return buffer[:index], True
        keep = max(self._overlap(buffer, stop) for stop in self._stops)
        cut = len(buffer) - keep
        self._held = buffer[cut:]
        return buffer[:cut], False

    def flush(self) -> str:
        """The text held back, once nothing more will follow."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _overlap(buffer: str, stop: str) -> int:
        """Length of the longest end of `buffer` that begins `stop`."""
        longest = min(len(stop) - 1, len(buffer))
        return next((n for n in range(longest, 0, -1) if stop.startswith(buffer[-n:])), 0)


class CompletionText:
    """Text deltas of one completion: complete characters, and no part of a stop string.

    The state depends only on the prompt ids, the stop strings and the pushed ids, so a second
    worker that pushes the same ids gets the same text.
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
        """The text held back so far, without an incomplete character at the end."""
        shown, stopped = self._stops.push(self._decoder.finish())
        return shown if stopped else shown + self._stops.flush()


class CompletionSource(Protocol):
    """The source of a completion's text."""

    engine_stops: tuple[str, ...]
    """Stop strings that the engine must look for."""

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
        # Without stop strings, the engine stops only at an end-of-text token. The token
        # counts, but is not text.
        piece = self._text.push(chunk.token_ids[:-1])
        return piece if piece.stopped else Piece(piece.text, chunk.token_ids)

    def finish(self) -> str:
        return self._text.finish()


class EngineText:
    """Text from the engine, if there is no tokenizer; cannot be continued."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self.engine_stops = stops

    def push(self, chunk: Chunk) -> Piece:
        return Piece(chunk.text, chunk.token_ids)

    def finish(self) -> str:
        return ""
