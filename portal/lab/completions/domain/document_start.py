"""The tokens that begin a document: for a missing prompt, and for an empty context."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from portal.lab.jobs.domain.tokens import find_tokenizer, find_tokenizer_config
from portal.platform.core.errors import invalid_value

WELL_KNOWN: Final = ("</s>", "<|endoftext|>", "<s>", "<|begin_of_text|>")
"""Tokens that begin a document in families of models whose files do not name one."""


class ChosenBy(StrEnum):
    """What determined the tokens that a context begins with."""

    REQUEST = "request"
    TOKENIZER_CONFIG = "tokenizer_config"
    """`bos_token`, or `eos_token` if there is none, as in evaluation harnesses."""
    TOKENIZER = "tokenizer"
    """The tokenizer's ids for an empty text."""
    FALLBACK = "fallback"
    """The first of WELL_KNOWN that the tokenizer has."""


@dataclass(frozen=True)
class DocumentStart:
    """The ids, and their source."""

    token_ids: tuple[int, ...]
    chosen_by: ChosenBy


def find_document_start(deployment: str, *, field: str = "prompt") -> DocumentStart:
    """The beginning of a document; raises `DomainError` on the field if it is unknown."""
    config = find_tokenizer_config(deployment)
    for token in (config.bos_token_id, config.eos_token_id):
        if token is not None:
            return DocumentStart((token,), ChosenBy.TOKENIZER_CONFIG)
    tokenizer = find_tokenizer(deployment)
    if tokenizer is not None:
        if ids := tokenizer.encode("").ids:
            return DocumentStart(tuple(ids), ChosenBy.TOKENIZER)
        for name in WELL_KNOWN:
            if (token := tokenizer.token_to_id(name)) is not None:
                return DocumentStart((token,), ChosenBy.FALLBACK)
    raise invalid_value(
        f"This model does not define how a document begins. Send a {field}.", field=field
    )
