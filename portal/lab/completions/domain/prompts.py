"""The four shapes of a prompt, as a list of exact prompts."""

from __future__ import annotations

from dataclasses import dataclass

from portal.lab.completions.domain.document_start import find_document_start
from portal.lab.jobs.domain.tokens import find_vocabulary, parse_token_ids
from portal.platform.core.errors import invalid_value


@dataclass(frozen=True)
class Prompt:
    """A text, or exact ids."""

    text: str = ""
    token_ids: tuple[int, ...] = ()


def parse_prompts(value: object, *, deployment: str) -> list[Prompt]:
    """The prompts in order; raises `DomainError` on `prompt` or the wrong item."""
    if value is None or value == "":
        return [Prompt(token_ids=find_document_start(deployment).token_ids)]
    if isinstance(value, str):
        return [Prompt(text=value)]
    if not isinstance(value, list) or not value:
        raise invalid_value(
            "Send a string, a list of strings, a list of token ids, or a list of such lists.",
            field="prompt",
        )
    vocabulary = find_vocabulary(deployment)
    kinds = {_kind(item) for item in value}
    if len(kinds) > 1:
        raise invalid_value(
            "A list of prompts contains either strings or token ids, not both.", field="prompt"
        )
    if kinds == {str}:
        return [_parse_text(text, place=place) for place, text in enumerate(value)]
    if kinds == {list}:
        return [
            Prompt(token_ids=parse_token_ids(ids, field=f"prompt[{place}]", vocabulary=vocabulary))
            for place, ids in enumerate(value)
        ]
    return [Prompt(token_ids=parse_token_ids(value, field="prompt", vocabulary=vocabulary))]


def _kind(item: object) -> type:
    """Text or list; `object` for any other item, which should be a token id."""
    return next((kind for kind in (str, list) if isinstance(item, kind)), object)


def _parse_text(text: str, *, place: int) -> Prompt:
    if not text:
        raise invalid_value(f"prompt[{place}] is empty.", field=f"prompt[{place}]")
    return Prompt(text=text)
