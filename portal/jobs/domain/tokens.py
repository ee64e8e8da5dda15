"""Counting a prompt's tokens without the model's weights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeGuard, cast

import redis
from tokenizers import Tokenizer

from inference_workers.contract import tokenizer_key
from portal.core.errors import DomainError
from portal.core.redis import sync_redis

RECHECK_SECONDS: Final = 30.0
LARGEST_ID: Final = 2**31 - 1


@dataclass(frozen=True)
class TokenCount:
    """`tokens` is exact, or else an upper bound."""

    tokens: int
    is_exact: bool


@dataclass(frozen=True)
class _Known:
    tokenizer: Tokenizer
    digest: str
    checked_at: float


_known: dict[str, _Known] = {}


def count_tokens(text: str, *, deployment: str, add_special_tokens: bool = True) -> TokenCount:
    """How many tokens the deployment's model sees in `text`, its beginning token included.

    Exact once a worker has published its tokenizer. Until then the bound holds that a
    byte-level tokenizer never makes more tokens than bytes, and one more begins the text.
    """
    tokenizer = find_tokenizer(deployment)
    if tokenizer is None:
        return TokenCount(len(text.encode()) + 1, is_exact=False)
    ids = tokenizer.encode(text, add_special_tokens=add_special_tokens).ids
    return TokenCount(len(ids), is_exact=True)


def parse_token_ids(
    value: object, *, field: str, name: str = "The list of token ids"
) -> tuple[int, ...]:
    """Ids from outside, exactly; raises `DomainError` on the field."""
    if not isinstance(value, list | tuple) or not value:
        raise DomainError("invalid_value", f"{name} is empty.", field=field)
    ids = tuple(item for item in value if is_token_id(item))
    if len(ids) < len(value):
        raise DomainError(
            "invalid_value", f"{name} holds something that is not a token id.", field=field
        )
    return ids


def is_token_id(item: object) -> TypeGuard[int]:
    """Whether it could be one; only the engine knows how many the model has."""
    return isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= LARGEST_ID


def forget_tokenizers() -> None:
    """Read every tokenizer anew at its next use."""
    _known.clear()


def find_tokenizer(deployment: str) -> Tokenizer | None:
    """The tokenizer that the deployment's workers have published; None until they have."""
    known = _known.get(deployment)
    now = time.monotonic()
    if known and now - known.checked_at < RECHECK_SECONDS:
        return known.tokenizer
    serialized = _fetch(deployment)
    if serialized is None:
        return known.tokenizer if known else None
    digest = sha256(serialized.encode()).hexdigest()
    tokenizer = (
        known.tokenizer if known and known.digest == digest else Tokenizer.from_str(serialized)
    )
    _known[deployment] = _Known(tokenizer, digest, now)
    return tokenizer


def _fetch(deployment: str) -> str | None:
    try:
        return cast("str | None", sync_redis().get(tokenizer_key(deployment)))
    except redis.RedisError:
        return None
