"""Tokens as people type them, one a line: `id 50118`, or a text in quotation marks."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from django.core.exceptions import ValidationError

from portal.lab.jobs.domain.token_text import token_texts
from portal.lab.jobs.domain.tokens import (
    encode_text,
    find_tokenizer,
    find_vocabulary,
    require_token,
)
from portal.platform.core.errors import DomainError

TOKENS_MOST: Final = 1000
BIAS_MOST: Final = 100
NAMED_MOST: Final = 8
"""Tokens of a text that an error lists."""
_LINE: Final = re.compile(
    r"""\s*(?:(?:id\s+)?(?P<id>[0-9]{1,18})|(?P<text>"(?:[^"\\]|\\.)*"))\s*(?::(?P<value>.*))?"""
)


def read_tokens(typed: str, *, deployment: str) -> tuple[int, ...]:
    """The ids of the tokens; raises `ValidationError` naming the line."""
    ids = []
    for place, line in _list_lines(typed):
        match = _LINE.fullmatch(line)
        if match is None or match["value"] is not None:
            raise ValidationError(
                f'Line {place} is not a token. Write, for example, id 50118 or " Paris".'
            )
        ids.append(_read_token(match, place=place, deployment=deployment))
    return tuple(dict.fromkeys(ids))


def read_biases(typed: str, *, deployment: str) -> dict[int, float]:
    """The bias of each token; raises `ValidationError` naming the line."""
    biases: dict[int, float] = {}
    for place, line in _list_lines(typed):
        match = _LINE.fullmatch(line)
        if match is None or match["value"] is None:
            raise ValidationError(
                f"Line {place} is not a token with its bias. Write, for example, "
                'id 50118: -5 or " Paris": 2.'
            )
        token = _read_token(match, place=place, deployment=deployment)
        if token in biases:
            raise ValidationError(f"Line {place} names a token that has a bias already.")
        biases[token] = _read_bias(match["value"], place=place)
    return biases


def write_tokens(ids: tuple[int, ...]) -> str:
    """The lines that `read_tokens` reads back."""
    return "\n".join(f"id {token}" for token in ids)


def write_biases(biases: Mapping[int, float]) -> str:
    """The lines that `read_biases` reads back."""
    return "\n".join(f"id {token}: {bias:.17g}" for token, bias in biases.items())


def _list_lines(typed: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    lines = [(place, line) for place, line in enumerate(typed.splitlines(), 1) if line.strip()]
    if len(lines) > TOKENS_MOST:
        raise ValidationError(f"These are {len(lines):,} lines; the limit is {TOKENS_MOST:,}.")
    yield from lines


def _read_bias(typed: str, *, place: int) -> float:
    try:
        bias = float(typed)
    except ValueError:
        bias = math.nan
    if not -BIAS_MOST <= bias <= BIAS_MOST:
        raise ValidationError(
            f"Line {place}: a bias is a number between -{BIAS_MOST} and {BIAS_MOST}."
        )
    return bias


def _read_token(match: re.Match[str], *, place: int, deployment: str) -> int:
    if match["id"]:
        try:
            return require_token(
                int(match["id"]), field=f"Line {place}", vocabulary=find_vocabulary(deployment)
            )
        except DomainError as error:
            raise ValidationError(error.message) from error
    return _find_token(_read_text(match["text"], place=place), place=place, deployment=deployment)


def _read_text(quoted: str, *, place: int) -> str:
    try:
        text = str(json.loads(quoted, strict=False))
        text.encode()
    except ValueError as error:
        raise ValidationError(
            f'Line {place}: in a text, \\ begins an escape such as \\n, \\t, \\" or \\\\.'
        ) from error
    if not text:
        raise ValidationError(f"Line {place}: the text is empty.")
    return text


def _find_token(text: str, *, place: int, deployment: str) -> int:
    """The one token that the text is."""
    tokenizer = find_tokenizer(deployment)
    if tokenizer is None:
        raise ValidationError(
            f"Line {place}: this model's tokenizer is not known yet. Name the token by its id."
        )
    ids = encode_text(tokenizer, text, add_special_tokens=False)
    if len(ids) == 1:
        return ids[0]
    texts = token_texts(deployment)
    named = [f"id {token} {_quote(texts.text_of(token))}" for token in ids[:NAMED_MOST]]
    more = [f"{len(ids) - NAMED_MOST:,} more"] if len(ids) > NAMED_MOST else []
    raise ValidationError(
        f"Line {place}: this text is {len(ids):,} tokens in this model, not one: "
        f"{', '.join([*named, *more])}."
    )


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
