"""How likely the model finds each continuation of a context."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from inference_workers.contract import SamplingParams, TokenLogprobs
from portal.catalog.models import HostedModel
from portal.completions.domain.bounds import require_affordable
from portal.completions.domain.prompts import begin_document
from portal.core.errors import DomainError
from portal.jobs.domain.calls import Run
from portal.jobs.domain.completion import Completion
from portal.jobs.domain.token_text import TokenTexts
from portal.scoring.domain.tokens import Pair, join, require_tokenizer
from portal.scoring.wire import Item, ScoresRequest

READ_ONLY: Final = SamplingParams(max_tokens=0, temperature=0.0, prompt_logprobs=0)
"""Nothing is generated; each token of the prompt is looked up."""


@dataclass(frozen=True)
class ScorePlan:
    """One run for each continuation; `sizes` says how many continuations each item has."""

    pairs: tuple[Pair, ...]
    sizes: tuple[int, ...]
    runs: tuple[Run, ...]


def plan_scores(request: ScoresRequest, *, model: HostedModel) -> ScorePlan:
    """What has to run; raises `DomainError` naming the field at fault."""
    tokenizer = require_tokenizer(model)
    items = _items(request)
    start = begin_document(model.deployment) if any(_is_empty(item) for item in items) else ()
    pairs = []
    for place, item in enumerate(items):
        field = "continuations" if request.items is None else f"items.{place}"
        for continuation in item.continuations:
            if continuation in ("", []):
                raise DomainError(
                    "invalid_value", "A continuation has at least one token.", field=field
                )
            pair = join(
                start if _is_empty(item) else item.context,
                continuation,
                tokenizer=tokenizer,
                field=field,
                add_special_tokens=request.add_special_tokens,
            )
            if pair.start < 1 or pair.start >= len(pair.token_ids):
                raise DomainError(
                    "invalid_value",
                    "Context and continuation need a token each; together these have none "
                    "between them.",
                    field=field,
                )
            pairs.append(pair)
    require_affordable(
        READ_ONLY, prompts=[len(pair.token_ids) for pair in pairs], deployment=model.deployment
    )
    return ScorePlan(
        pairs=tuple(pairs),
        sizes=tuple(len(item.continuations) for item in items),
        runs=tuple(Run(sampling=READ_ONLY, prompt_token_ids=pair.token_ids) for pair in pairs),
    )


def write_scores(
    plan: ScorePlan, completions: Sequence[Completion], *, texts: TokenTexts
) -> list[dict[str, Any]]:
    """For each item its continuations' scores, and which has the highest sum and mean."""
    scored = zip(plan.pairs, completions, strict=True)
    scores = [_score(pair, completion, texts=texts) for pair, completion in scored]
    return list(_gather(scores, plan.sizes))


def _gather(scores: list[dict[str, Any]], sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    first = 0
    for index, size in enumerate(sizes):
        own = scores[first : first + size]
        first += size
        yield {
            "index": index,
            "continuations": own,
            "best_by_sum": max(range(size), key=lambda place: own[place]["logprob_sum"]),
            "best_by_mean": max(range(size), key=lambda place: own[place]["logprob_mean"]),
        }


def _score(pair: Pair, completion: Completion, *, texts: TokenTexts) -> dict[str, Any]:
    entries = _entries(pair, completion)
    total = math.fsum(entry.logprob for entry in entries)
    return {
        "logprob_sum": total,
        "logprob_mean": total / len(entries),
        "is_greedy": all(entry.rank == 1 for entry in entries),
        "ranks": [entry.rank for entry in entries],
        "token_ids": [entry.id for entry in entries],
        "tokens": [texts.text_of(entry.id) for entry in entries],
        "token_logprobs": [entry.logprob for entry in entries],
        "context_tokens": pair.start,
        "boundary_within_token": pair.is_joined,
    }


def _entries(pair: Pair, completion: Completion) -> list[TokenLogprobs]:
    if completion.scored is None:
        raise ValueError("a run that was to be scored has no scores")
    return [entry for entry in completion.scored.logprobs[pair.start :] if entry]


def _items(request: ScoresRequest) -> list[Item]:
    if request.items is not None:
        if request.context is not None or request.continuations is not None:
            raise DomainError(
                "invalid_value",
                "Give items, or one context with its continuations; not both.",
                field="items",
            )
        return request.items
    if request.continuations is None:
        raise DomainError("invalid_value", "continuations is missing.", field="continuations")
    return [Item(context=request.context or "", continuations=request.continuations)]


def _is_empty(item: Item) -> bool:
    return item.context in ("", [], None)
