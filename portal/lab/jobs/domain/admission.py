"""Refusals before a job is queued, each with the field and the way out."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from inference_workers.contract import SamplingParams
from portal.gate.access.domain.decide import Decision, decide
from portal.gate.access.enums import Capability
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.access import describe_api_access
from portal.lab.jobs.domain.tokens import TokenCount, count_tokens
from portal.lab.jobs.domain.workers import EngineStatus
from portal.lab.jobs.enums import Origin
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode

CAPABILITIES = {Origin.PLAYGROUND: Capability.PLAYGROUND, Origin.API: Capability.API}
STOP_LIMIT = 16
STOP_LENGTH = 200
PROMPT_BYTES_PER_TOKEN = 64
"""A text with more bytes than this per token of context cannot fit, and is not counted."""


@dataclass(frozen=True)
class Run:
    """A run that was asked for. If there are `prompt_token_ids`, they are the exact prompt."""

    sampling: SamplingParams
    prompt: str = ""
    prompt_token_ids: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


class AccessRefused(DomainError):  # noqa: N818 -- named after the event
    """`access.decide` refused; `decision` has the next step."""

    def __init__(self, decision: Decision) -> None:
        step = decision.next_step
        super().__init__(
            RefusalCode(decision.code), decision.message, next_url=step.url if step else None
        )
        self.decision = decision


def require_access(user: User, model: HostedModel, origin: Origin) -> None:
    """Raise `AccessRefused` unless the person may use the model now, in the playground or API."""
    decision = decide(user, model, CAPABILITIES[origin], timezone.now())
    if not decision.allowed:
        raise AccessRefused(decision)


def require_some_access(user: User) -> None:
    """Raise `AccessRefused` unless a model is open to the person through the API now."""
    access = describe_api_access(user, at=timezone.now())
    if access.refusal is not None:
        raise AccessRefused(access.refusal)
    if not access.is_open:
        raise DomainError(RefusalCode.MODEL_NOT_FOUND, "No model is released here yet.")


def check_values(run: Run) -> None:
    """Refuse values that no engine accepts; `SamplingParams` itself checks the ranges."""
    prompt, sampling = run.prompt, run.sampling
    if not prompt and not run.prompt_token_ids:
        raise invalid_value("Write a prompt first.", field="prompt")
    if "\0" in prompt or any("\ud800" <= character <= "\udfff" for character in prompt):
        raise invalid_value(
            "The prompt contains a character that is not text. Remove it and run again.",
            field="prompt",
        )
    if len(sampling.stop) > STOP_LIMIT:
        raise invalid_value(
            f"This run has {len(sampling.stop)} stop sequences; the limit is {STOP_LIMIT}.",
            field="stop",
        )
    if any(not 0 < len(stop) <= STOP_LENGTH for stop in sampling.stop):
        raise invalid_value(
            f"A stop sequence has between 1 and {STOP_LENGTH} characters.", field="stop"
        )


def context_length(model: HostedModel, engine: EngineStatus) -> int:
    """The most tokens that prompt and completion may have together, as the model is served now."""
    served = engine.max_model_len
    return min(model.context_length, served) if served else model.context_length


def count_prompt(run: Run, *, deployment: str) -> TokenCount:
    """The prompt's tokens; ids need no tokenizer."""
    if run.prompt_token_ids:
        return TokenCount(len(run.prompt_token_ids), is_exact=True)
    special = run.sampling.add_special_tokens
    return count_tokens(run.prompt, deployment=deployment, add_special_tokens=special)


def reserve_for(model: HostedModel, run: Run, *, engine: EngineStatus) -> int:
    """The most tokens that the run may need.

    Raises `DomainError` with code `context_length_exceeded` if the run certainly does not fit. If
    only an upper bound of the prompt's length is known, the engine decides.
    """
    limit, prompt, sampling = context_length(model, engine), run.prompt, run.sampling
    if len(prompt) > limit * PROMPT_BYTES_PER_TOKEN:
        raise DomainError(
            RefusalCode.CONTEXT_LENGTH_EXCEEDED,
            f"The prompt has {len(prompt):,} characters, far more than the model's context of "
            f"{limit:,} tokens can hold. Shorten it.",
            field="prompt",
        )
    if sampling.max_tokens >= limit:
        raise DomainError(
            RefusalCode.CONTEXT_LENGTH_EXCEEDED,
            f"Max tokens is {sampling.max_tokens:,}, but the model's context of {limit:,} tokens "
            f"also has to hold the prompt. Choose at most {limit - 1:,}.",
            field="max_tokens",
        )
    if 0 < engine.max_tokens < sampling.max_tokens:
        raise invalid_value(
            f"Max tokens is {sampling.max_tokens:,}; this model's limit for one run is "
            f"{engine.max_tokens:,}.",
            field="max_tokens",
        )
    count = count_prompt(run, deployment=model.deployment)
    if count.is_exact:
        _require_fit(count, limit=limit, max_tokens=sampling.max_tokens)
    return len(run.positions) + min(count.tokens + sampling.max_tokens, limit)


def _require_fit(count: TokenCount, *, limit: int, max_tokens: int) -> None:
    left = limit - count.tokens
    if left < 1:
        raise DomainError(
            RefusalCode.CONTEXT_LENGTH_EXCEEDED,
            f"The prompt is {count.tokens:,} tokens long and the model's context is {limit:,}, "
            "which leaves no room for a completion. Shorten the prompt by at least "
            f"{1 - left:,}.",
            field="prompt",
        )
    if max_tokens > left:
        raise DomainError(
            RefusalCode.CONTEXT_LENGTH_EXCEEDED,
            f"The prompt is {count.tokens:,} tokens long; with max tokens {max_tokens:,} that is "
            f"{count.tokens + max_tokens:,}, more than the model's context of {limit:,}. Lower "
            f"max tokens to {left:,}, or shorten the prompt.",
            field="max_tokens",
        )
