"""The models of a scale ladder, and the runs that measure a text on all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.acceptance import SetRefused
from portal.lab.jobs.domain.admission import Run, reserve_for
from portal.lab.jobs.domain.sets import RunOn, submit_set
from portal.lab.jobs.domain.tokens import find_tokenizer
from portal.lab.jobs.domain.workers import Readiness, engine_status
from portal.lab.jobs.models import GenerationJob
from portal.lab.scoring.domain.scores import READ_ONLY, ScorePlan, plan_scores
from portal.lab.scoring.wire import ScoresRequest
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode

CANDIDATES_MOST: Final = 16
RUNS_MOST: Final = 64
ONLINE: Final = (Readiness.READY, Readiness.STARTING)


@dataclass(frozen=True)
class Rungs:
    """Models by size: those that can measure now, and those whose engines are offline."""

    online: list[HostedModel]
    offline: list[HostedModel]


def list_rungs(models: Iterable[HostedModel]) -> Rungs:
    """The models, the smallest first."""
    by_size = sorted(models, key=lambda model: (model.parameters, model.slug))
    online = [model for model in by_size if _is_online(model.deployment)]
    return Rungs(online, [model for model in by_size if model not in online])


def submit_ladder(
    user: User, *, models: Sequence[HostedModel], context: str, continuations: Sequence[str]
) -> list[GenerationJob]:
    """Measure every continuation on every model, all or none.

    With an empty context, the continuation begins a document, so that each of its bytes is
    measured, whether or not the tokenizer begins texts with a token of its own.

    Raises `DomainError` on `prompt` or `candidates`, naming the model where it matters.
    """
    _require_few(len(models), len(continuations))
    runs = [
        RunOn(model, replace(run, prompt=context + continuation))
        for model in models
        for run, continuation in zip(
            _plan(model, context, continuations).runs, continuations, strict=True
        )
    ]
    try:
        return submit_set(user, runs)
    except SetRefused as error:
        raise _name(runs[error.place].model, error.refusal, field="prompt") from error


def plan_run(model: HostedModel, *, context: str, continuation: str) -> ScorePlan:
    """The run of one continuation, and where it begins; raises `DomainError`."""
    return _request(model, context, [continuation])


def _is_online(deployment: str) -> bool:
    is_on = engine_status(deployment).readiness in ONLINE
    return is_on and find_tokenizer(deployment) is not None


def _require_few(models: int, continuations: int) -> None:
    if not models:
        raise DomainError(
            RefusalCode.MODEL_OFFLINE,
            "No model that is open to you is online now. Your text is kept; try again later.",
        )
    if continuations > CANDIDATES_MOST:
        raise invalid_value(
            f"These are {continuations} candidates; the limit is {CANDIDATES_MOST}.",
            field="candidates",
        )
    if models * continuations > RUNS_MOST:
        raise invalid_value(
            f"{continuations} candidates on {models} models are {models * continuations} runs; "
            f"the limit is {RUNS_MOST}. Leave out {continuations - RUNS_MOST // models} of the "
            "candidates.",
            field="candidates",
        )


def _plan(model: HostedModel, context: str, continuations: Sequence[str]) -> ScorePlan:
    longest = Run(READ_ONLY, prompt=context + max(continuations, key=len))
    try:
        # Before everything is encoded: texts that do not fit anyway may be very long.
        reserve_for(model, longest, engine=engine_status(model.deployment))
        return _request(model, context, continuations)
    except DomainError as error:
        is_of_candidates = (error.field or "").startswith("continuations")
        field = "candidates" if context and is_of_candidates else "prompt"
        raise _name(model, error, field=field) from error


def _request(model: HostedModel, context: str, continuations: Sequence[str]) -> ScorePlan:
    request = ScoresRequest(model=model.slug, context=context, continuations=list(continuations))
    return plan_scores(request, model=model)


def _name(model: HostedModel, error: DomainError, *, field: str) -> DomainError:
    return DomainError(
        error.code, f"{model.name}: {error.message}", field=field, next_url=error.next_url
    )
