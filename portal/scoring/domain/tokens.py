"""Contexts and continuations as exact ids."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer

from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from portal.jobs.domain.tokens import find_tokenizer, parse_token_ids


@dataclass(frozen=True)
class Pair:
    """A context and one continuation of it, together."""

    token_ids: tuple[int, ...]
    start: int
    """Where the continuation begins."""
    is_joined: bool = False
    """The texts meet within a token, so that the boundary is where the context's ids end."""


def require_tokenizer(model: HostedModel) -> Tokenizer:
    """Raises `DomainError` with code `model_loading` until a worker has published it."""
    tokenizer = find_tokenizer(model.deployment)
    if tokenizer is None:
        raise DomainError(
            "model_loading",
            f"No worker of {model.name} has been there yet, so its tokens are not known. Try again "
            "in a minute.",
        )
    return tokenizer


def encode(
    value: object, *, tokenizer: Tokenizer, field: str, add_special_tokens: bool
) -> tuple[int, ...]:
    """A text's ids, or ids as they are; raises `DomainError` on the field."""
    if isinstance(value, str):
        return tuple(tokenizer.encode(value, add_special_tokens=add_special_tokens).ids)
    return parse_token_ids(value, field=field)


def join(
    context: object,
    continuation: object,
    *,
    tokenizer: Tokenizer,
    field: str,
    add_special_tokens: bool,
) -> Pair:
    """The pair as the model sees it.

    Two texts are encoded together, and the continuation is what comes after the context's own
    number of tokens, as evaluation harnesses do it. Spaces at the end of the context belong to
    the continuation, where they are part of its first token.
    """
    if isinstance(context, str) and isinstance(continuation, str):
        bare = context.rstrip(" ")
        whole = context + continuation
        head = tokenizer.encode(bare, add_special_tokens=add_special_tokens).ids
        ids = tokenizer.encode(whole, add_special_tokens=add_special_tokens).ids
        return Pair(tuple(ids), len(head), is_joined=ids[: len(head)] != head)
    head_ids = encode(
        context, tokenizer=tokenizer, field=field, add_special_tokens=add_special_tokens
    )
    tail_ids = encode(continuation, tokenizer=tokenizer, field=field, add_special_tokens=False)
    return Pair((*head_ids, *tail_ids), len(head_ids))
