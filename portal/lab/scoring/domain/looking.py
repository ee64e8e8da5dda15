"""A closer look at one position of a run: the whole distribution, and what the samplers left."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from inference_workers.contract import SamplingParams
from portal.lab.jobs.domain.admission import Run
from portal.lab.jobs.domain.token_text import TokenTexts, token_texts
from portal.lab.jobs.models import GenerationJob
from portal.lab.scoring.domain.distributions import (
    LOOK_ONLY,
    Distributions,
    list_likeliest,
    read_distributions,
)
from portal.lab.scoring.domain.sampling import Row, apply_samplers, find_obstacle
from portal.platform.core.errors import invalid_value

LISTED: Final = 20


class Part(StrEnum):
    """Where in a run's document a token stands."""

    PROMPT = "prompt"
    COMPLETION = "completion"


def plan_look(job: GenerationJob, *, part: Part, index: int) -> Run:
    """The run that looks at the distribution of one token; raises `DomainError`.

    The token is number `index` of that part of the ended run's document, counted from 0.
    """
    if job.is_active:
        raise invalid_value("The run is still under way. Look again when it has ended.")
    tokens = job.prompt_token_ids if part is Part.PROMPT else job.token_ids
    if not 0 <= index < len(tokens):
        raise invalid_value(f"The {part} has {len(tokens)} tokens; count from 0.", field="index")
    before = () if part is Part.PROMPT else job.prompt_token_ids
    ids = (*before, *tokens[:index])
    if not ids:
        raise invalid_value(
            "The first token has no distribution: nothing precedes it.", field="index"
        )
    return Run(LOOK_ONLY, prompt_token_ids=ids, positions=(len(ids),))


@dataclass(frozen=True)
class Look:
    """A distribution in the place where the run drew from it. Entropies are in nats."""

    logprobs: Row
    left: Row | None
    obstacle: str
    """The parameter because of which it is unknown what the samplers left."""

    def describe(self, texts: TokenTexts) -> dict[str, Any]:
        """Both distributions in numbers, with the likeliest tokens of each."""
        own = np.exp(self.logprobs)
        listed = {int(token) for token in list_likeliest(self.logprobs, LISTED)}
        summary: dict[str, Any] = {
            "vocabulary": len(own),
            "entropy": _entropy(own),
            "obstacle": self.obstacle,
            "left": None,
        }
        if self.left is not None:
            kept = self.left > 0
            listed |= {int(token) for token in list_likeliest(self.left, LISTED) if kept[token]}
            summary["left"] = {
                "tokens": int(kept.sum()),
                "probability": float(own[kept].sum()),
                "entropy": _entropy(self.left),
            }
        tokens = sorted(listed, key=lambda token: (-self.logprobs[token], token))
        return {**summary, "top": [self._describe(token, texts) for token in tokens]}

    def _describe(self, token: int, texts: TokenTexts) -> dict[str, Any]:
        return {
            "id": token,
            "name": texts.name_of(token),
            "logprob": float(self.logprobs[token]),
            "left": None if self.left is None else float(self.left[token]),
        }


def read_look(job: GenerationJob, look: GenerationJob) -> dict[str, Any]:
    """What the look at the run `job` found; raises `DomainError` if it has expired."""
    found: Distributions = read_distributions(look.pk, look.positions)
    sampling = SamplingParams.model_validate(job.params)
    made = look.prompt_token_ids[len(job.prompt_token_ids) :]
    obstacle = find_obstacle(sampling, made=len(made))
    row = found.logprobs[0]
    left = None if obstacle else apply_samplers(row, sampling, made)
    return Look(row.astype(np.float64), left, obstacle).describe(token_texts(job.deployment))


def _entropy(chances: Row) -> float:
    some = chances[chances > 0]
    return float(-(some * np.log(some)).sum())
