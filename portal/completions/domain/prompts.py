"""The four shapes of a prompt, as a list of exact prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.core.errors import DomainError
from portal.jobs.domain.tokens import find_tokenizer, is_token_id, parse_token_ids

DOCUMENT_STARTS = ("</s>", "<|endoftext|>", "<s>", "<|begin_of_text|>")
"""What the families of models begin a document with, where their tokenizer does not say."""


@dataclass(frozen=True)
class Prompt:
    """A text, or exact ids."""

    text: str = ""
    token_ids: tuple[int, ...] = ()


def parse_prompts(value: object, *, deployment: str) -> list[Prompt]:
    """The prompts in their order; raises `DomainError` on the field `prompt`."""
    if value is None or value == "":
        return [Prompt(token_ids=begin_document(deployment))]
    if isinstance(value, str):
        return [Prompt(text=value)]
    if not isinstance(value, list) or not value:
        raise _refuse("Give a text, a list of texts, a list of token ids, or a list of such lists.")
    if all(isinstance(item, str) for item in value):
        return [_parse_text(item, place=place) for place, item in enumerate(value)]
    if all(is_token_id(item) for item in value):
        return [_parse_ids(value)]
    if all(isinstance(item, list) for item in value):
        return [_parse_ids(item, place=place) for place, item in enumerate(value)]
    raise _refuse("A list of prompts holds either texts or token ids, not both.")


def begin_document(deployment: str) -> tuple[int, ...]:
    """The ids with which the model begins a document, for a prompt that is left out."""
    tokenizer = find_tokenizer(deployment)
    if tokenizer is not None:
        if ids := tokenizer.encode("").ids:
            return tuple(ids)
        for name in DOCUMENT_STARTS:
            if (token := tokenizer.token_to_id(name)) is not None:
                return (token,)
    raise _refuse("This model does not say how a document begins. Give a prompt.")


def _parse_text(text: str, *, place: int) -> Prompt:
    if not text:
        raise _refuse(f"Prompt {place} of the list is empty.")
    return Prompt(text=text)


def _parse_ids(ids: Sequence[object], *, place: int | None = None) -> Prompt:
    name = "The list of token ids" if place is None else f"Prompt {place} of the list"
    return Prompt(token_ids=parse_token_ids(ids, field="prompt", name=name))


def _refuse(message: str) -> DomainError:
    return DomainError("invalid_value", message, field="prompt")
