"""Contexts and continuations as exact token ids."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tokenizers import Tokenizer

from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.tokens import encode_text, find_tokenizer, parse_token_ids
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode


@dataclass(frozen=True)
class Pair:
    """A context with one continuation."""

    token_ids: tuple[int, ...]
    start: int
    """The index at which the continuation begins."""
    is_joined: bool = False
    """Whether the texts meet within a token; then the context's own ids set the boundary."""


def require_tokenizer(model: HostedModel) -> Tokenizer:
    """The model's tokenizer; raises `DomainError` with code `model_loading` until it is known."""
    tokenizer = find_tokenizer(model.deployment)
    if tokenizer is None:
        raise DomainError(
            RefusalCode.MODEL_LOADING,
            f"No worker of {model.name} has started yet, so its tokens are unknown. Try again "
            "in a minute.",
        )
    return tokenizer


@dataclass(frozen=True)
class Reader:
    """Converts texts and ids to token ids of one model."""

    tokenizer: Tokenizer
    vocabulary: int | None
    add_special_tokens: bool = True

    def read(self, value: object, *, field: str) -> tuple[int, ...]:
        """A text's ids, or ids unchanged; raises `DomainError` on the field or the wrong item."""
        if isinstance(value, str):
            return self._encode(value)
        if not isinstance(value, list | tuple):
            raise invalid_value(f"{field} must be a string or a list of token ids.", field=field)
        return parse_token_ids(value, field=field, vocabulary=self.vocabulary)

    def join(self, context: object, continuation: object, *, fields: tuple[str, str]) -> Pair:
        """The pair as the model sees it.

        Two texts are encoded together, and the continuation begins after the number of tokens of
        the context alone, as in evaluation harnesses. Spaces at the end of the context belong to
        the continuation, where they are part of its first token.
        """
        if isinstance(context, str) and isinstance(continuation, str):
            head = self._encode(context.rstrip(" "))
            ids = self._encode(context + continuation)
            return Pair(ids, len(head), is_joined=ids[: len(head)] != head)
        head = self.read(context, field=fields[0])
        bare = replace(self, add_special_tokens=False)
        return Pair((*head, *bare.read(continuation, field=fields[1])), len(head))

    def _encode(self, text: str) -> tuple[int, ...]:
        special = self.add_special_tokens
        return tuple(encode_text(self.tokenizer, text, add_special_tokens=special))
