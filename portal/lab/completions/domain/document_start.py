"""What stands where nothing comes before: for a prompt that is left out, and an empty context."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from portal.lab.jobs.domain.tokens import find_tokenizer, find_tokenizer_config
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

WELL_KNOWN: Final = ("</s>", "<|endoftext|>", "<s>", "<|begin_of_text|>")
"""What families of models begin a document with, where no file beside the weights says it."""


class ChosenBy(StrEnum):
    """Who said which tokens a context begins with."""

    REQUEST = "request"
    TOKENIZER_CONFIG = "tokenizer_config"
    """`bos_token`, or `eos_token` where there is none, as evaluation harnesses do it."""
    TOKENIZER = "tokenizer"
    """What the tokenizer makes of an empty text."""
    FALLBACK = "fallback"
    """The first of WELL_KNOWN that the tokenizer has."""


@dataclass(frozen=True)
class DocumentStart:
    """The ids, and where they are from."""

    token_ids: tuple[int, ...]
    chosen_by: ChosenBy


def find_document_start(deployment: str, *, field: str = "prompt") -> DocumentStart:
    """Raises `DomainError` on the field where nothing says how a document begins."""
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
    raise DomainError(
        RefusalCode.INVALID_VALUE,
        f"This model does not say how a document begins. Give a {field}.",
        field=field,
    )
