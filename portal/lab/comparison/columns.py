"""Runs side by side: what differs, and the figures of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from inference_workers.contract import SamplingParams
from portal.lab.comparison.domain.differences import Segment, mark_differences, split_words
from portal.lab.comparison.domain.spread import Spread, measure_spread
from portal.lab.jobs.domain.results import logprobs_of_row
from portal.lab.jobs.domain.token_text import token_texts
from portal.lab.jobs.domain.tokens import find_tokenizer_digest
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.presentation import describe_end, measure_speed
from portal.lab.playground.summaries import NAMES, summarise_params

RUNS_LEAST: Final = 2
RUNS_MOST: Final = 16
UNREAD: Final = ("prompt_token_ids", "prompt_logprobs")
"""Fields of a run that a comparison does not read."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that is not the same in all columns."""

    label: str
    value: str


@dataclass(frozen=True)
class Column:
    """One run beside the others."""

    job: GenerationJob
    parameters: list[Parameter]
    segments: list[Segment]
    """The completion; parts that the first column's completion does not have are marked."""
    mean_logprob: float | None
    tokens_per_second: float | None
    message: str

    @property
    def short_id(self) -> str:
        return str(self.job.pk)[:8]

    @property
    def is_scored_only(self) -> bool:
        return not self.job.params.get("max_tokens")


@dataclass(frozen=True)
class Comparison:
    """The columns, and what is said of all of them."""

    columns: list[Column]
    prompt: str | None
    """The prompt of all columns; None if they differ."""
    shared: list[str]
    """The parameters, if they are the same in all columns."""
    by_tokens: bool
    """Whether differences are found token by token in all columns, rather than word by word."""
    spread: Spread | None
    """Of the completions that have ended, if all have the same prompt."""


@dataclass(frozen=True)
class _Completion:
    """A completion's tokens and words, as units that can be compared."""

    digest: str | None
    """Of the tokenizer; None if the tokens do not spell the text."""
    token_ids: list[int]
    pieces: list[str]
    words: list[str]


def compare_runs(runs: Sequence[GenerationJob]) -> Comparison:
    """The runs as columns, in order."""
    completions = [_cut(run) for run in runs]
    by_tokens = _have_same_tokenizer(completions)
    differing = _list_differing([_read_params(run) for run in runs])
    means = [_average(run) for run in runs]
    columns = [
        Column(
            job=run,
            parameters=values,
            segments=_mark(completions[0], completion, by_tokens=by_tokens),
            mean_logprob=mean,
            tokens_per_second=measure_speed(run),
            message=describe_end(run),
        )
        for run, completion, values, mean in zip(runs, completions, differing, means, strict=True)
    ]
    is_shared = len({run.prompt for run in runs}) == 1
    ended = [place for place, run in enumerate(runs) if not run.is_active]
    return Comparison(
        columns=columns,
        prompt=runs[0].prompt if is_shared else None,
        shared=[] if differing[0] else summarise_params(runs[0].params),
        by_tokens=by_tokens,
        spread=measure_spread(
            [runs[place].text for place in ended], [means[place] for place in ended]
        )
        if is_shared
        else None,
    )


def _cut(run: GenerationJob) -> _Completion:
    decoder = token_texts(run.deployment).pieces()
    pieces = decoder.feed(run.token_ids)
    if pieces:
        pieces[-1] += decoder.finish()
    # The tokens of a stop sequence are not part of the text.
    is_spelt = "".join(pieces).startswith(run.text)
    begins = accumulate(map(len, pieces), initial=0)
    return _Completion(
        digest=find_tokenizer_digest(run.deployment) if is_spelt else None,
        token_ids=run.token_ids,
        pieces=[
            piece[: max(0, len(run.text) - begin)]
            for piece, begin in zip(pieces, begins, strict=False)
        ],
        words=split_words(run.text),
    )


def _have_same_tokenizer(completions: Sequence[_Completion]) -> bool:
    digests = {completion.digest for completion in completions}
    return len(digests) == 1 and None not in digests


def _mark(first: _Completion, other: _Completion, *, by_tokens: bool) -> list[Segment]:
    if by_tokens:
        return mark_differences(first.token_ids, other.token_ids, other.pieces)
    return mark_differences(first.words, other.words, other.words)


def _average(run: GenerationJob) -> float | None:
    """The mean log-probability of the completion's tokens."""
    values = [entry.logprob for entry in logprobs_of_row(run)]
    return math.fsum(values) / len(values) if values else None


def _read_params(run: GenerationJob) -> dict[str, Any]:
    return SamplingParams.model_validate(run.params).model_dump(exclude={"v"})


def _list_differing(params: Sequence[dict[str, Any]]) -> list[list[Parameter]]:
    """For each column, the parameters that are not the same in all of them."""
    names = [name for name in params[0] if any(own[name] != params[0][name] for own in params)]
    return [[Parameter(_label(name), _write(name, own[name])) for name in names] for own in params]


def _label(name: str) -> str:
    label = NAMES.get(name, name.replace("_", " "))
    return label[0].upper() + label[1:]


def _write(name: str, value: object) -> str:
    if value is None:
        return "random" if name == "seed" else "none"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return " ".join(map(repr, value)) or "none"
    return str(value)
