"""Counts a prompt's tokens without the model's weights."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeGuard, cast

import redis
from pydantic import ValidationError
from tokenizers import Tokenizer

from inference_workers.contract import TokenizerConfig, tokenizer_config_key, tokenizer_key
from portal.platform.core.errors import invalid_value
from portal.platform.core.redis import sync_redis

COUNTS_KEPT: Final = 4096
RECHECK_SECONDS: Final = 30.0
LARGEST_ID: Final = 2**31 - 1
LARGEST_NAMED: Final = 2**63
"""A larger number is not repeated in the error."""
_ANY_TEXT: Final = "a"


@dataclass(frozen=True)
class TokenCount:
    """`tokens` is exact, or an upper bound."""

    tokens: int
    is_exact: bool


@dataclass(frozen=True)
class _Known:
    tokenizer: Tokenizer
    config: TokenizerConfig
    digest: str
    checked_at: float


_known: dict[str, _Known] = {}
_counts: dict[tuple[str, bytes, bool], int] = {}
"""By tokenizer, hash of the text, and whether it gets special tokens; texts are not kept."""
# One text at a time needs no threads of the library's own; this also silences its fork warnings.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def count_tokens(text: str, *, deployment: str, add_special_tokens: bool = True) -> TokenCount:
    """The number of tokens of `text` for the deployment's model, with the beginning-of-text token.

    Exact once a worker has published its tokenizer. Before that it is an upper bound: a byte-level
    tokenizer never makes more tokens than bytes, and one more token begins the text.
    """
    known = _find(deployment)
    if known is None:
        return TokenCount(len(text.encode()) + 1, is_exact=False)
    # The samples of a prompt, and its plan and acceptance, count the same text.
    key = (known.digest, sha256(text.encode()).digest(), add_special_tokens)
    tokens = _counts.get(key)
    if tokens is None:
        ids = encode_text(known.tokenizer, text, add_special_tokens=add_special_tokens)
        tokens = _counts[key] = len(ids)
        with suppress(KeyError, RuntimeError):  # another thread may have deleted it
            while len(_counts) > COUNTS_KEPT:
                del _counts[next(iter(_counts))]
    return TokenCount(tokens, is_exact=True)


def encode_text(tokenizer: Tokenizer, text: str, *, add_special_tokens: bool) -> list[int]:
    """The text's ids. Other threads run meanwhile, unlike during `Tokenizer.encode`."""
    (found,) = tokenizer.encode_batch_fast([text], add_special_tokens=add_special_tokens)
    return found.ids


def decode_ids(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The ids' text, special tokens included; other threads run meanwhile."""
    return tokenizer.decode_batch([ids], skip_special_tokens=False)[0]


def find_beginning(deployment: str) -> str:
    """The text of the tokens that the tokenizer puts in front of a text; empty if it adds none."""
    tokenizer = find_tokenizer(deployment)
    if tokenizer is None:
        return ""
    plain = encode_text(tokenizer, _ANY_TEXT, add_special_tokens=False)
    whole = encode_text(tokenizer, _ANY_TEXT, add_special_tokens=True)
    places = range(len(whole))
    first = next((place for place in places if whole[place:][: len(plain)] == plain), 0)
    return decode_ids(tokenizer, whole[:first])


def parse_token_ids(value: object, *, field: str, vocabulary: int | None) -> tuple[int, ...]:
    """Token ids from a request, unchanged; raises `DomainError` on the field or the wrong item."""
    if not isinstance(value, list | tuple):
        raise invalid_value(f"{field} must be a list of token ids.", field=field)
    if not value:
        raise invalid_value(f"{field} is empty.", field=field)
    last = _last(vocabulary)
    wrong = next((place for place, item in enumerate(value) if not _is_token(item, last)), None)
    if wrong is not None:
        require_token(value[wrong], field=f"{field}[{wrong}]", vocabulary=vocabulary)
    return tuple(value)


def require_token(item: object, *, field: str, vocabulary: int | None) -> int:
    """The item as a token id below `vocabulary`; raises `DomainError` if it is not one.

    If the vocabulary is unknown, only the engine can check ids against it.
    """
    last = _last(vocabulary)
    if _is_token(item, last):
        return item
    if not isinstance(item, int) or isinstance(item, bool):
        raise invalid_value(f"{field} must be a token id, which is a whole number.", field=field)
    named = f"{item:,}" if abs(item) <= LARGEST_NAMED else "far out of range"
    raise invalid_value(
        f"{field} must be a token id from 0 to {last:,}; this is {named}.", field=field
    )


def _last(vocabulary: int | None) -> int:
    return LARGEST_ID if vocabulary is None else vocabulary - 1


def _is_token(item: object, last: int) -> TypeGuard[int]:
    return isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= last


def forget_tokenizers() -> None:
    """Read every tokenizer again at its next use."""
    _known.clear()
    _counts.clear()


def find_tokenizer(deployment: str) -> Tokenizer | None:
    """The tokenizer that the deployment's workers have published; None before that."""
    known = _find(deployment)
    return known.tokenizer if known else None


def find_tokenizer_digest(deployment: str) -> str | None:
    """A hash by which deployments with the same tokenizer are recognised; None while unknown."""
    known = _find(deployment)
    return known.digest if known else None


def find_tokenizer_config(deployment: str) -> TokenizerConfig:
    """The published special tokens and vocabulary; empty before the workers publish them."""
    known = _find(deployment)
    return known.config if known else TokenizerConfig()


def find_vocabulary(deployment: str) -> int | None:
    """The number of tokens in the model's vocabulary; None while unknown."""
    return find_tokenizer_config(deployment).vocabulary


def _find(deployment: str) -> _Known | None:
    known = _known.get(deployment)
    now = time.monotonic()
    if known and now - known.checked_at < RECHECK_SECONDS:
        return known
    serialized, config = _fetch(deployment)
    if serialized is None:
        return known
    digest = sha256(serialized.encode()).hexdigest()
    tokenizer = (
        known.tokenizer if known and known.digest == digest else Tokenizer.from_str(serialized)
    )
    found = _known[deployment] = _Known(tokenizer, _parse(config), digest, now)
    return found


def _parse(config: str | None) -> TokenizerConfig:
    try:
        return TokenizerConfig.model_validate_json(config or "{}")
    except ValidationError:
        return TokenizerConfig()


def _fetch(deployment: str) -> tuple[str | None, str | None]:
    """Tokenizer and config as published; both None while the broker does not answer."""
    keys = (tokenizer_key(deployment), tokenizer_config_key(deployment))
    try:
        serialized, config = cast("list[str | None]", sync_redis().mget(keys))
    except redis.RedisError:
        return None, None
    return serialized, config
