"""A run's log-probabilities as a table, for readers without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from inference_workers.contract import TokenLogprobs
from portal.lab.jobs.domain.results import completion_of_row
from portal.lab.jobs.domain.token_text import TokenTexts, token_texts
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.visible_text import show_blanks

ROWS: Final = 500


@dataclass(frozen=True)
class Alternative:
    """One of the likeliest tokens at a position."""

    text: str
    logprob: float


@dataclass(frozen=True)
class TokenRow:
    """A token in its distribution. The first token of a prompt has no log-probability."""

    position: int
    text: str
    logprob: float | None
    rank: int | None
    top: Sequence[Alternative]
    is_prompt: bool


def list_tokens(job: GenerationJob) -> list[TokenRow]:
    """The first ROWS tokens of an ended run that have log-probabilities, the prompt's first."""
    if job.is_active or (job.logprobs is None and job.prompt_logprobs is None):
        return []
    return list(islice(_write_rows(job, token_texts(job.deployment)), ROWS))


def _write_rows(job: GenerationJob, texts: TokenTexts) -> Iterator[TokenRow]:
    made = completion_of_row(job)
    if made.scored:
        entries = zip(made.scored.token_ids, made.scored.logprobs, strict=True)
        for place, (token_id, entry) in enumerate(entries, start=1):
            yield _write_row(token_id, entry, position=place, is_prompt=True, texts=texts)
    first = len(job.prompt_token_ids) + 1
    for place, entry in enumerate(made.logprobs, start=first):
        yield _write_row(entry.id, entry, position=place, is_prompt=False, texts=texts)


def _write_row(
    token_id: int,
    entry: TokenLogprobs | None,
    *,
    position: int,
    is_prompt: bool,
    texts: TokenTexts,
) -> TokenRow:
    return TokenRow(
        position=position,
        text=show_blanks(texts.text_of(token_id)),
        logprob=entry.logprob if entry else None,
        rank=entry.rank if entry else None,
        top=[Alternative(show_blanks(texts.text_of(other)), value) for other, value in entry.top]
        if entry
        else [],
        is_prompt=is_prompt,
    )
