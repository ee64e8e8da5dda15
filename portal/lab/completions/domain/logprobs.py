"""Log-probabilities in the four lists that the field's clients read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inference_workers.contract import TokenLogprobs
from portal.lab.jobs.domain.token_text import TokenTexts


class LogprobsWriter:
    """Writes the lists of one choice, piece by piece; offsets go on from piece to piece."""

    def __init__(self, texts: TokenTexts, *, width: int) -> None:
        self._texts = texts
        self._pieces = texts.pieces()
        self._width = width
        self._offset = 0

    def write(
        self, token_ids: Sequence[int], entries: Sequence[TokenLogprobs | None]
    ) -> dict[str, list[Any]]:
        """`tokens`, `token_logprobs`, `top_logprobs` and `text_offset`, one entry a token.

        A token without an entry, as the first of a prompt, has nulls. The value of a token in
        its own `top_logprobs` is the same float as in `token_logprobs`, so that equality tells
        whether it was the likeliest.
        """
        return self._write(token_ids, entries, self._pieces.feed(token_ids))

    def write_prompt(
        self, token_ids: Sequence[int], entries: Sequence[TokenLogprobs | None], *, text: str
    ) -> dict[str, list[Any]]:
        """The same for the prompt that the answer shows as this text.

        Special tokens have a width where the text spells them, and none where the tokenizer or
        the ids brought them in.
        """
        pieces = self._pieces.feed(token_ids)
        spelt = self._texts.pieces(skip_special_tokens=False).feed(token_ids)
        # Those that the tokenizer put before the text.
        added = find_overhang(spelt, text)
        if added is not None:
            pieces = [""] * added + spelt[added:]
        lists = self._write(token_ids, entries, pieces)
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
        """By text; of two tokens with one text the likelier counts."""
        named: dict[str, float] = {}
        for token_id, logprob in entry.top[: self._width]:
            text = self._texts.text_of(token_id)
            named[text] = max(logprob, named.get(text, logprob))
        own = self._texts.text_of(entry.id)
        named[own] = max(entry.logprob, named.get(own, entry.logprob))
        return named


def find_overhang(pieces: Sequence[str], text: str) -> int | None:
    """How many pieces there are before those that are the text together; None if none are."""
    over = sum(map(len, pieces)) - len(text)
    count = 0
    while over > 0 and count < len(pieces):
        over -= len(pieces[count])
        count += 1
    return count if over == 0 and "".join(pieces[count:]) == text else None


def mean_logprob(entries: Sequence[TokenLogprobs]) -> float:
    """Of the generated tokens; minus infinity where nothing was generated."""
    if not entries:
        return float("-inf")
    return sum(entry.logprob for entry in entries) / len(entries)
