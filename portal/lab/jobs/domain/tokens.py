"""Counting a prompt's tokens without the model's weights."""

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
from portal.platform.core.errors import DomainError
from portal.platform.core.redis import sync_redis
from portal.platform.core.refusals import RefusalCode

COUNTS_KEPT: Final = 4096
RECHECK_SECONDS: Final = 30.0
LARGEST_ID: Final = 2**31 - 1
LARGEST_NAMED: Final = 2**63
"""A longer number is not repeated to whoever sent it."""


@dataclass(frozen=True)
class TokenCount:
    """`tokens` is exact, or else an upper bound."""

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
"""By tokenizer, text and whether it gets special tokens; of texts only the hashes are kept."""
# One text at a time needs no threads of the library's own, and its warnings are for who forks.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def count_tokens(text: str, *, deployment: str, add_special_tokens: bool = True) -> TokenCount:
    """How many tokens the deployment's model sees in `text`, its beginning token included.

    Exact once a worker has published its tokenizer. Until then the bound holds that a
    byte-level tokenizer never makes more tokens than bytes, and one more begins the text.
    """
    known = _find(deployment)
    if known is None:
        return TokenCount(len(text.encode()) + 1, is_exact=False)
    # The samples of a prompt ask the same again, and the acceptance what the plan has asked.
    key = (known.digest, sha256(text.encode()).digest(), add_special_tokens)
    tokens = _counts.get(key)
    if tokens is None:
        ids = encode_text(known.tokenizer, text, add_special_tokens=add_special_tokens)
        tokens = _counts[key] = len(ids)
        with suppress(KeyError, RuntimeError):  # another thread may have taken it
            while len(_counts) > COUNTS_KEPT:
                del _counts[next(iter(_counts))]
    return TokenCount(tokens, is_exact=True)


def encode_text(tokenizer: Tokenizer, text: str, *, add_special_tokens: bool) -> list[int]:
    """The text's ids. Other threads run meanwhile, as they do not during `Tokenizer.encode`."""
    (found,) = tokenizer.encode_batch_fast([text], add_special_tokens=add_special_tokens)
    return found.ids


def decode_ids(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The ids' text, special tokens included; other threads run meanwhile."""
    return tokenizer.decode_batch([ids], skip_special_tokens=False)[0]


def parse_token_ids(value: object, *, field: str, vocabulary: int | None) -> tuple[int, ...]:
    """Ids from outside, exactly; raises `DomainError` on the field or the item at fault."""
    if not isinstance(value, list | tuple):
        raise _refuse(field, f"{field} has to be a list of token ids.")
    if not value:
        raise _refuse(field, f"{field} is empty.")
    last = _last(vocabulary)
    wrong = next((place for place, item in enumerate(value) if not _is_token(item, last)), None)
    if wrong is not None:
        require_token(value[wrong], field=f"{field}[{wrong}]", vocabulary=vocabulary)
    return tuple(value)


def require_token(item: object, *, field: str, vocabulary: int | None) -> int:
    """The id of a token of a model with so many of them; raises `DomainError` if it is none.

    Where their number is not known, only the engine knows.
    """
    last = _last(vocabulary)
    if _is_token(item, last):
        return item
    if not isinstance(item, int) or isinstance(item, bool):
        raise _refuse(field, f"{field} has to be a token id, which is a whole number.")
    named = f"{item:,}" if abs(item) <= LARGEST_NAMED else "a number that is none"
    raise _refuse(field, f"{field}: token ids are 0 to {last:,} here, and this is {named}.")


def _last(vocabulary: int | None) -> int:
    return LARGEST_ID if vocabulary is None else vocabulary - 1


def _is_token(item: object, last: int) -> TypeGuard[int]:
    return isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= last


def _refuse(field: str, message: str) -> DomainError:
    return DomainError(RefusalCode.INVALID_VALUE, message, field=field)


def forget_tokenizers() -> None:
    """Read every tokenizer anew at its next use."""
    _known.clear()
    _counts.clear()


def find_tokenizer(deployment: str) -> Tokenizer | None:
    """The tokenizer that the deployment's workers have published; None until they have."""
    known = _find(deployment)
    return known.tokenizer if known else None


def find_tokenizer_config(deployment: str) -> TokenizerConfig:
    """What they say of its special tokens and its vocabulary; nothing until they have."""
    known = _find(deployment)
    return known.config if known else TokenizerConfig()


def find_vocabulary(deployment: str) -> int | None:
    """How many tokens the deployment's model has; None until it is known."""
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
    """Both as they were published, and both None while the broker does not answer."""
    keys = (tokenizer_key(deployment), tokenizer_config_key(deployment))
    try:
        serialized, config = cast("list[str | None]", sync_redis().mget(keys))
    except redis.RedisError:
        return None, None
    return serialized, config
