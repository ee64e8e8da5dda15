"""The texts of token ids, for people and for clients that name tokens by their texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from tokenizers import Tokenizer

from inference_workers.contract import UNFINISHED, IncrementalDecoder
from portal.lab.jobs.domain.tokens import find_tokenizer

_BYTE_FALLBACK: Final = re.compile("<0x([0-9A-F]{2})>")


def _list_byte_letters() -> Iterator[tuple[str, int]]:
    """The letters by which byte-level vocabularies, from GPT-2's on, spell bytes."""
    unprintable = count(256)
    for byte in range(256):
        is_printable = 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174
        yield chr(byte if is_printable else next(unprintable)), byte


_BYTE_LEVEL: Final[Mapping[str, int]] = dict(_list_byte_letters())


class TokenTexts:
    """The texts of one deployment's tokens; `token_id:<id>` for unknown ones."""

    def __init__(self, tokenizer: Tokenizer | None) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, str] = {}

    def text_of(self, token_id: int) -> str:
        """One token by itself; part of a character is shown as the replacement character."""
        text = self._known.get(token_id)
        if text is None:
            text = self._known[token_id] = self._decode(token_id)
        return text

    def bytes_of(self, token_id: int) -> bytes | None:
        """The bytes of a token that is no whole character; None if it is text or unknown."""
        if self._tokenizer is None or UNFINISHED not in self.text_of(token_id):
            return None
        name = self._tokenizer.id_to_token(token_id) or ""
        if match := _BYTE_FALLBACK.fullmatch(name):
            return bytes.fromhex(match[1])
        if name and _BYTE_LEVEL.keys() >= set(name):
            return bytes(_BYTE_LEVEL[letter] for letter in name)
        return None

    def name_of(self, token_id: int) -> str | list[int]:
        """The token's text, or the bytes of one that is no whole character."""
        spelling = self.bytes_of(token_id)
        return list(spelling) if spelling else self.text_of(token_id)

    def decode(self, token_ids: Iterable[int]) -> str:
        """The text of all tokens, without special tokens."""
        pieces = self.pieces()
        return "".join(pieces.feed(token_ids)) + pieces.finish()

    def pieces(self, *, skip_special_tokens: bool = True) -> Pieces:
        """A decoder for one text, from its first token on."""
        return Pieces(self, self._tokenizer, skip_special_tokens=skip_special_tokens)

    def _decode(self, token_id: int) -> str:
        if self._tokenizer is None or self._tokenizer.id_to_token(token_id) is None:
            return f"token_id:{token_id}"
        return self._tokenizer.decode([token_id], skip_special_tokens=False)


class Pieces:
    """Decodes one text token by token, cut where the workers cut a completion's text."""

    def __init__(
        self, texts: TokenTexts, tokenizer: Tokenizer | None, *, skip_special_tokens: bool
    ) -> None:
        self._texts = texts
        self._decoder = tokenizer and IncrementalDecoder(
            _Decoder(tokenizer, skip_special_tokens), prompt_ids=()
        )

    def feed(self, token_ids: Iterable[int]) -> list[str]:
        """A piece for each token; empty for skipped tokens and unfinished characters."""
        push = self._decoder.push if self._decoder else self._texts.text_of
        return [push(token_id) for token_id in token_ids]

    def feed_prompt(self, token_ids: Sequence[int], *, text: str) -> list[str]:
        """The same for a prompt that is shown as `text`.

        Special tokens have a piece if the text spells them out, and an empty one if the tokenizer
        or the ids added them.
        """
        pieces = self.feed(token_ids)
        spelt = self._texts.pieces(skip_special_tokens=False).feed(token_ids)
        added = find_overhang(spelt, text)
        return pieces if added is None else [""] * added + spelt[added:]

    def finish(self) -> str:
        """Whole characters that the last token holds beside an unfinished one."""
        return self._decoder.finish() if self._decoder else ""


@dataclass(frozen=True, slots=True)
class _Decoder:
    tokenizer: Tokenizer
    skip_special_tokens: bool

    def decode(self, token_ids: Sequence[int]) -> str:
        return self.tokenizer.decode(token_ids, skip_special_tokens=self.skip_special_tokens)


def find_overhang(pieces: Sequence[str], text: str) -> int | None:
    """The number of pieces before those that form the text; None if none form it."""
    over = sum(map(len, pieces)) - len(text)
    before = 0
    while over > 0 and before < len(pieces):
        over -= len(pieces[before])
        before += 1
    return before if over == 0 and "".join(pieces[before:]) == text else None


def token_texts(deployment: str) -> TokenTexts:
    """The deployment's token texts, for one response; looked-up texts are cached in the object."""
    return TokenTexts(find_tokenizer(deployment))
