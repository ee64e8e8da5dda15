"""Log-probabilities in the four lists that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inference_workers.contract import TokenLogprobs
from portal.lab.jobs.domain.token_text import TokenTexts


class LogprobsWriter:
    """Writes the lists of one choice, piece by piece; offsets continue across pieces."""

    def __init__(self, texts: TokenTexts, *, width: int) -> None:
        self._texts = texts
        self._pieces = texts.pieces()
        self._width = width
        self._offset = 0

    def write(
        self, token_ids: Sequence[int], entries: Sequence[TokenLogprobs | None]
    ) -> dict[str, list[Any]]:
        """`tokens`, `token_logprobs`, `top_logprobs` and `text_offset`, one entry per token.

        A token without an entry, such as the first of a prompt, has nulls. A token's value in its
        own `top_logprobs` is the same float as in `token_logprobs`, so that a comparison shows
        whether the token was the likeliest.
        """
        return self._write(token_ids, entries, self._pieces.feed(token_ids))

    def write_prompt(
        self, token_ids: Sequence[int], entries: Sequence[TokenLogprobs | None], *, text: str
    ) -> dict[str, list[Any]]:
        """The same for the prompt, which the response shows as `text`."""
        lists = self._write(token_ids, entries, self._pieces.feed_prompt(token_ids, text=text))
        self._offset = len(text)
        return lists

    def _write(
        self,
        token_ids: Sequence[int],
        entries: Sequence[TokenLogprobs | None],
        pieces: Sequence[str],
    ) -> dict[str, list[Any]]:
        offsets = []
        for piece in pieces:
            offsets.append(self._offset)
            self._offset += len(piece)
        return {
            "tokens": [self._texts.text_of(token_id) for token_id in token_ids],
            "token_logprobs": [entry.logprob if entry else None for entry in entries],
            "top_logprobs": [self._name_top(entry) if entry else None for entry in entries],
            "text_offset": offsets,
        }

    def _name_top(self, entry: TokenLogprobs) -> dict[str, float]:
        """Log-probabilities by text; of two tokens with the same text, the likelier counts."""
        named: dict[str, float] = {}
        for token_id, logprob in entry.top[: self._width]:
            text = self._texts.text_of(token_id)
            named[text] = max(logprob, named.get(text, logprob))
        own = self._texts.text_of(entry.id)
        named[own] = max(entry.logprob, named.get(own, entry.logprob))
        return named


def mean_logprob(entries: Sequence[TokenLogprobs]) -> float:
    """The mean of the generated tokens; minus infinity if nothing was generated."""
    if not entries:
        return float("-inf")
    return sum(entry.logprob for entry in entries) / len(entries)
