"""The texts of token ids, for people and for clients that name tokens by their texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from inference_workers.contract import IncrementalDecoder
from portal.lab.jobs.domain.tokens import find_tokenizer


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

    def finish(self) -> str:
        """Whole characters that the last token holds beside an unfinished one."""
        return self._decoder.finish() if self._decoder else ""


@dataclass(frozen=True, slots=True)
class _Decoder:
    tokenizer: Tokenizer
    skip_special_tokens: bool

    def decode(self, token_ids: Sequence[int]) -> str:
        return self.tokenizer.decode(token_ids, skip_special_tokens=self.skip_special_tokens)


def token_texts(deployment: str) -> TokenTexts:
    """The deployment's token texts, for one response; looked-up texts are cached in the object."""
    return TokenTexts(find_tokenizer(deployment))
