"""Scores: the probability of each continuation of a context under the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from inference_workers.contract import SamplingParams, TokenLogprobs
from portal.gate.catalog.models import HostedModel
from portal.lab.completions.domain.bounds import require_affordable
from portal.lab.completions.domain.document_start import (
    ChosenBy,
    DocumentStart,
    find_document_start,
)
from portal.lab.jobs.domain.admission import Run
from portal.lab.jobs.domain.calls import require_runs
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.token_text import TokenTexts
from portal.lab.jobs.domain.tokens import find_vocabulary, require_token
from portal.lab.scoring.domain.tokens import Pair, Reader, require_tokenizer
from portal.lab.scoring.wire import Item, ScoresRequest
from portal.platform.core.errors import invalid_value

READ_ONLY: Final = SamplingParams(max_tokens=0, temperature=0.0, prompt_logprobs=0)
"""Generates nothing; each token of the prompt is scored."""
CHARACTERS_MOST: Final = 8_000_000
"""The most characters that one request may have encoded: more than PROMPT_LOGPROBS_MOST tokens in
any language."""


@dataclass(frozen=True)
class Scored:
    """One item: the ids of its context alone, and a pair for each continuation."""

    context: DocumentStart
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class ScorePlan:
    """One run for each pair of each item, in order."""

    items: tuple[Scored, ...]
    runs: tuple[Run, ...]

    @property
    def pairs(self) -> list[Pair]:
        return [pair for item in self.items for pair in item.pairs]


def plan_scores(request: ScoresRequest, *, model: HostedModel) -> ScorePlan:
    """The runs of the request; raises `DomainError` naming the field."""
    reader = Reader(
        require_tokenizer(model),
        vocabulary=find_vocabulary(model.deployment),
        add_special_tokens=request.add_special_tokens,
    )
    if request.prefix_token_id is not None:
        require_token(
            request.prefix_token_id, field="prefix_token_id", vocabulary=reader.vocabulary
        )
    asked = list(_items(request))
    _require_readable(item for item, _ in asked)
    items = []
    for item, field in asked:
        context = _find_context(item, request, reader=reader, model=model, field=field)
        pairs = [
            _pair(item, context, place=place, reader=reader, field=field)
            for place in range(len(item.continuations))
        ]
        items.append(Scored(context, tuple(pairs)))
    plan = ScorePlan(tuple(items), runs=())
    require_affordable(
        READ_ONLY, prompts=[len(pair.token_ids) for pair in plan.pairs], deployment=model.deployment
    )
    runs = (Run(sampling=READ_ONLY, prompt_token_ids=pair.token_ids) for pair in plan.pairs)
    return replace(plan, runs=tuple(runs))


def _require_readable(items: Iterable[Item]) -> None:
    """Refuse too much text before anything is encoded: contexts count once per continuation."""
    runs = characters = 0
    for item in items:
        runs += len(item.continuations)
        own = sum(len(each) for each in item.continuations if isinstance(each, str))
        context = len(item.context) if isinstance(item.context, str) else 0
        characters += own + context * len(item.continuations)
    require_runs(runs, field="continuations")
    if characters > CHARACTERS_MOST:
        raise invalid_value(
            f"The contexts, counted once for each continuation, and the continuations have "
            f"{characters:,} characters; the limit is {CHARACTERS_MOST:,}. Split the request.",
            field="continuations",
        )


def _find_context(
    item: Item, request: ScoresRequest, *, reader: Reader, model: HostedModel, field: str
) -> DocumentStart:
    if not _is_empty(item):
        # Spaces at the context's end belong to the continuations; see `Reader.join`.
        bare = item.context.rstrip(" ") if isinstance(item.context, str) else item.context
        return DocumentStart(reader.read(bare, field=f"{field}context"), ChosenBy.REQUEST)
    if request.prefix_token_id is not None:
        return DocumentStart((request.prefix_token_id,), ChosenBy.REQUEST)
    return find_document_start(model.deployment, field=f"{field}context")


def _pair(item: Item, context: DocumentStart, *, place: int, reader: Reader, field: str) -> Pair:
    own = f"{field}continuations[{place}]"
    continuation = item.continuations[place]
    if continuation in ("", []):
        raise invalid_value(f"{own} is empty.", field=own)
    head = context.token_ids if _is_empty(item) else item.context
    pair = reader.join(head, continuation, fields=(f"{field}context", own))
    if pair.start < 1 or pair.start >= len(pair.token_ids):
        raise invalid_value(
            "Context and continuation need at least one token each; these do not have one each.",
            field=own,
        )
    return pair


def list_names(request: ScoresRequest) -> dict[str, str]:
    """Fields of completions that a refusal may name, as the request has them."""
    asked = "continuations" if request.items is None else "items"
    return dict.fromkeys(("prompt", "prompt_logprobs", "max_tokens"), asked)


def write_scores(
    plan: ScorePlan, completions: Sequence[Completion], *, texts: TokenTexts
) -> list[dict[str, Any]]:
    """For each item the scores of its continuations, and those with the highest sum and mean."""
    made = iter(completions)
    return [_write_item(index, item, made, texts=texts) for index, item in enumerate(plan.items)]


def _write_item(
    index: int, item: Scored, completions: Iterator[Completion], *, texts: TokenTexts
) -> dict[str, Any]:
    own = [_score(item.context, pair, next(completions), texts=texts) for pair in item.pairs]
    return {
        "index": index,
        "context": {
            "token_ids": list(item.context.token_ids),
            "tokens": [texts.text_of(token) for token in item.context.token_ids],
            "chosen_by": item.context.chosen_by,
        },
        "continuations": own,
        "best_by_sum": max(range(len(own)), key=lambda place: own[place]["logprob_sum"]),
        "best_by_mean": max(range(len(own)), key=lambda place: own[place]["logprob_mean"]),
    }


def _score(
    context: DocumentStart, pair: Pair, completion: Completion, *, texts: TokenTexts
) -> dict[str, Any]:
    entries = _entries(pair, completion)
    total = math.fsum(entry.logprob for entry in entries)
    head = pair.token_ids[: pair.start]
    return {
        "logprob_sum": total,
        "logprob_mean": total / len(entries),
        "is_greedy": all(entry.rank == 1 for entry in entries),
        "ranks": [entry.rank for entry in entries],
        "token_ids": [entry.id for entry in entries],
        "tokens": [texts.text_of(entry.id) for entry in entries],
        "token_logprobs": [entry.logprob for entry in entries],
        "context_tokens": pair.start,
        "context_token_ids": None if head == context.token_ids else list(head),
        "boundary_within_token": pair.is_joined,
    }


def _entries(pair: Pair, completion: Completion) -> list[TokenLogprobs]:
    if completion.scored is None:
        raise ValueError("a scoring run has no scores")
    return [entry for entry in completion.scored.logprobs[pair.start :] if entry]


def _items(request: ScoresRequest) -> list[tuple[Item, str]]:
    """Each item with the prefix of its fields' names."""
    if request.items is not None:
        if request.context is not None or request.continuations is not None:
            raise invalid_value(
                "Send items, or one context with its continuations, not both.", field="items"
            )
        return [(item, f"items[{place}].") for place, item in enumerate(request.items)]
    if request.continuations is None:
        raise invalid_value("continuations is missing.", field="continuations")
    return [(Item(context=request.context, continuations=request.continuations), "")]


def _is_empty(item: Item) -> bool:
    return item.context in ("", [], None)
