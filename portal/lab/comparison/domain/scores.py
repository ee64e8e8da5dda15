"""A continuation's log-probability, in units that models with other tokenizers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portal.lab.comparison.domain.rungs import plan_run
from portal.lab.jobs.domain.results import completion_of_row
from portal.lab.jobs.domain.token_text import token_texts
from portal.lab.jobs.models import GenerationJob
from portal.lab.scoring.domain.scores import write_scores
from portal.platform.core.errors import DomainError


@dataclass(frozen=True)
class Score:
    """The log-probability of a text of so many tokens and bytes, as a natural logarithm."""

    total: float
    tokens: int
    bytes: int
    is_joined: bool = False
    """Whether context and text meet within a token, which is then not measured whole."""

    @property
    def per_token(self) -> float:
        return self.total / self.tokens

    @property
    def per_byte(self) -> float:
        return self.total / self.bytes

    @property
    def bits_per_byte(self) -> float:
        """How many bits the model needs for a byte of the text."""
        return -self.per_byte / math.log(2)


def score_run(run: GenerationJob, *, context: str) -> Score | None:
    """The score of what follows `context` in the run's prompt.

    None until the run has ended, or if it is unknown where the continuation begins: the
    model's tokenizer is not known, or is another one than the run's.
    """
    if run.is_active or run.prompt_logprobs is None:
        return None
    continuation = run.prompt[len(context) :]
    try:
        plan = plan_run(run.model, context=context, continuation=continuation)
    except DomainError:
        return None
    if list(plan.runs[0].prompt_token_ids) != run.prompt_token_ids:
        return None
    (item,) = write_scores(plan, [completion_of_row(run)], texts=token_texts(run.deployment))
    (found,) = item["continuations"]
    # Spaces at the context's end are part of the continuation's first token.
    measured = run.prompt[len(context.rstrip(" ")) :]
    return Score(
        found["logprob_sum"],
        tokens=len(found["token_ids"]),
        bytes=len(measured.encode()),
        is_joined=found["boundary_within_token"],
    )


def find_preferred(scores: Sequence[Score | None], measure: Callable[[Score], float]) -> int | None:
    """The place of the highest score, the first of equals; None unless all are known."""
    known = [measure(score) for score in scores if score is not None]
    return known.index(max(known)) if known and len(known) == len(scores) else None
