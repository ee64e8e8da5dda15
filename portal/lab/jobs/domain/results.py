"""What a run stores in its row, and the run's completion read back from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from inference_workers.contract import JobOutcome, Provenance, Scored, TokenLogprobs
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.models import GenerationJob

LOGPROBS_IN_A_ROW: Final = 50_000
"""More log-probabilities of a prompt than this are kept only as long as the stream."""
ERASED: Final[dict[str, Any]] = {
    "prompt": "",
    "prompt_token_ids": [],
    "text": "",
    "token_ids": [],
    "logprobs": None,
    "prompt_logprobs": None,
}
_LOGPROBS: Final = TypeAdapter(list[TokenLogprobs])
_PROMPT_LOGPROBS: Final = TypeAdapter(tuple[TokenLogprobs | None, ...])


def completion_of(outcome: JobOutcome) -> Completion:
    """The completion in the worker's outcome."""
    return Completion(
        text=outcome.text,
        token_ids=list(outcome.token_ids),
        logprobs=list(outcome.logprobs),
        scored=Scored(token_ids=outcome.prompt_token_ids, logprobs=outcome.prompt_logprobs)
        if outcome.prompt_logprobs
        else None,
    )


def describe_made(
    made: Completion, *, prompt_token_ids: Sequence[int], provenance: Provenance | None
) -> dict[str, Any]:
    """The fields of a run's row with what it produced."""
    fields: dict[str, Any] = {
        # PostgreSQL's text cannot contain NUL, which models sometimes produce.
        "text": made.text.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "token_ids": list(made.token_ids),
    }
    if made.logprobs:
        fields["logprobs"] = _LOGPROBS.dump_python(made.logprobs, mode="json")
    if made.scored and count_logprobs(made.scored) <= LOGPROBS_IN_A_ROW:
        fields["prompt_logprobs"] = _PROMPT_LOGPROBS.dump_python(made.scored.logprobs, mode="json")
    if ids := prompt_token_ids or made.prompt_token_ids:
        fields["prompt_token_ids"] = list(ids)
    if provenance:
        fields["provenance"] = provenance.model_dump(mode="json", exclude={"v"})
    return fields


def completion_of_row(job: GenerationJob) -> Completion:
    """The completion of a run that has ended, without its end, which `rebuild_end` returns."""
    scored = None
    if job.prompt_logprobs is not None:
        scored = Scored(
            token_ids=tuple(job.prompt_token_ids),
            logprobs=_PROMPT_LOGPROBS.validate_python(job.prompt_logprobs),
        )
    return Completion(
        text=job.text,
        token_ids=list(job.token_ids),
        logprobs=logprobs_of_row(job),
        scored=scored,
    )


def logprobs_of_row(job: GenerationJob) -> list[TokenLogprobs]:
    """The completion's log-probabilities, without reading the prompt's; empty if it has none."""
    return _LOGPROBS.validate_python(job.logprobs or [])


def count_logprobs(scored: Scored) -> int:
    """The number of log-probabilities at all positions."""
    return sum(1 + len(entry.top) for entry in scored.logprobs if entry)
