"""Several runs from one click: samples of a prompt, columns of a comparison, rungs of a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from inference_workers.contract import SamplingParams
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.acceptance import Offer, SetRefused, accept_set
from portal.lab.jobs.domain.admission import Run, require_access
from portal.lab.jobs.domain.submission import build_offer
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.tracing import submit_span

SAMPLES_MOST: Final = 16
SEED_STEP: Final = 1_000_003
"""The difference between the seeds of two samples of one prompt."""
SEEDS: Final = 2**63


@dataclass(frozen=True)
class RunOn:
    """A run, and the model that it is for."""

    model: HostedModel
    run: Run


def seed_sample(sampling: SamplingParams, *, sample: int) -> SamplingParams:
    """The parameters of one of several samples: each has its own seed, if one is given."""
    if sample == 0 or sampling.seed is None:
        return sampling
    seed = (sampling.seed + sample * SEED_STEP) % SEEDS
    return sampling.model_copy(update={"seed": seed})


def submit_samples(
    user: User, *, model: HostedModel, prompt: str, sampling: SamplingParams, n: int
) -> list[GenerationJob]:
    """Accept `n` runs of one prompt in the playground, or none.

    Raises `DomainError` as `submit_job` does, and with code `invalid_value` for a wrong `n`.
    """
    if not 0 < n <= SAMPLES_MOST:
        raise invalid_value(f"Samples is between 1 and {SAMPLES_MOST}.", field="n")
    runs = [RunOn(model, Run(seed_sample(sampling, sample=sample), prompt)) for sample in range(n)]
    try:
        return submit_set(user, runs)
    except SetRefused as error:
        raise error.refusal from None


def submit_set(user: User, runs: Sequence[RunOn]) -> list[GenerationJob]:
    """Accept all runs in the playground, or none; they wait for their turn together.

    Raises `SetRefused`, whose `refusal` is what `submit_job` would raise for the run at `place`.
    """
    with submit_span():
        offers = _build_offers(user, runs)
        accept_set(offers)
        return [job for offer in offers for job in offer.jobs]


def _build_offers(user: User, runs: Sequence[RunOn]) -> list[Offer]:
    engines, offers = {}, []
    for place, each in enumerate(runs):
        model = each.model
        try:
            if model.pk not in engines:
                require_access(user, model, Origin.PLAYGROUND)
                engines[model.pk] = engine_status(model.deployment)
            offer = build_offer(
                user, each.run, model=model, origin=Origin.PLAYGROUND, engine=engines[model.pk]
            )
        except DomainError as error:
            raise SetRefused(place, error) from error
        # Without slots of their own, all wait, and fairness sends as many as it is their turn.
        offers.append(replace(offer, slots=0))
    return offers
