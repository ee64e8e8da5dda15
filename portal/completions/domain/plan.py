"""From a request to the runs that answer it, and from runs back to choices."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from inference_workers.contract import SamplingParams, Structure
from portal.completions.domain.bounds import require_affordable
from portal.completions.domain.prompts import Prompt, parse_prompts
from portal.completions.wire import CompletionRequest, StructuredOutputs
from portal.core.errors import DomainError
from portal.jobs.domain.calls import Run
from portal.jobs.domain.tokens import count_tokens

DEFAULT_MAX_TOKENS: Final = 16
SEED_STEP: Final = 1_000_003
"""Between the seeds of two samples of one prompt."""
SEED_LIMIT: Final = 2**63


@dataclass(frozen=True)
class Plan:
    """How the runs of a request make its choices.

    Prompt i has the runs `i * samples` to `(i + 1) * samples - 1`, and `n` choices.
    """

    prompts: tuple[Prompt, ...]
    runs: tuple[Run, ...]
    samples: int
    n: int
    echo: bool
    logprobs: int | None
    ranks: bool
    """Whether the best of the samples are chosen, rather than all returned."""
    warnings: tuple[str, ...] = ()


def plan_completion(request: CompletionRequest, *, deployment: str) -> Plan:
    """What has to run for the request; raises `DomainError` naming the field at fault."""
    _require_supported(request)
    prompts = parse_prompts(request.prompt, deployment=deployment)
    n = request.n or 1
    best_of = request.best_of or n
    if best_of < n:
        raise _refuse("best_of", f"best_of is {best_of}, less than n, which is {n}.")
    sampling = build_sampling(request)
    ranks = best_of > n
    if ranks and sampling.logprobs is None:
        sampling = sampling.model_copy(update={"logprobs": 0})
    # Greedy samples are all the same: one run answers for them.
    samples = 1 if sampling.temperature == 0.0 else best_of
    require_affordable(
        sampling,
        prompts=[_count(prompt, sampling, deployment=deployment) for prompt in prompts]
        if sampling.prompt_logprobs is not None
        else [],
        deployment=deployment,
    )
    runs = [
        Run(
            sampling=_for_sample(sampling, sample=sample),
            prompt=prompt.text,
            prompt_token_ids=prompt.token_ids,
        )
        for prompt in prompts
        for sample in range(samples)
    ]
    return Plan(
        prompts=tuple(prompts),
        runs=tuple(runs),
        samples=samples,
        n=n,
        echo=bool(request.echo),
        logprobs=request.logprobs,
        ranks=ranks and samples > 1,
        warnings=tuple(_warn(request)),
    )


def build_sampling(request: CompletionRequest) -> SamplingParams:
    """The request's parameters, exactly; raises `DomainError` naming the field."""
    given = {
        name: getattr(request, name)
        for name in (
            "temperature", "top_p", "presence_penalty", "frequency_penalty", "min_p",
            "repetition_penalty", "min_tokens", "ignore_eos", "stop_token_ids",
            "allowed_token_ids", "bad_words", "logprobs", "prompt_logprobs", "add_special_tokens",
        )
    }  # fmt: skip
    given["max_tokens"] = DEFAULT_MAX_TOKENS if request.max_tokens is None else request.max_tokens
    given["top_k"] = max(0, request.top_k or 0)
    given["stop"] = [request.stop] if isinstance(request.stop, str) else request.stop
    given["logit_bias"] = _parse_bias(request.logit_bias)
    given["structure"] = _parse_structure(request.structured_outputs)
    given["seed"] = _choose_seed(request)
    if request.echo and request.logprobs is not None and request.prompt_logprobs is None:
        given["prompt_logprobs"] = request.logprobs
    try:
        return SamplingParams(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else None
        raise _refuse(field, f"{field}: {first['msg']}.") from error


def _require_supported(request: CompletionRequest) -> None:
    if request.suffix:
        raise DomainError(
            "unsupported_parameter",
            "suffix is not supported: these models cannot infill. Leave it out.",
            field="suffix",
        )
    if request.stream and (request.best_of or 1) > (request.n or 1):
        raise _refuse("best_of", "best_of cannot be streamed: leave stream out, or best_of.")
    if request.max_tokens == 0 and not (request.echo or request.prompt_logprobs is not None):
        raise _refuse(
            "max_tokens",
            "max_tokens is 0, so nothing would be generated. Ask for the prompt by echo or "
            "prompt_logprobs, or choose at least 1.",
        )


def _choose_seed(request: CompletionRequest) -> int | None:
    """Drawn here where none is given, so that the receipt can name it."""
    if request.temperature == 0.0:
        return None
    if request.seed is None:
        return secrets.randbelow(2**31)
    return request.seed % SEED_LIMIT


def _for_sample(sampling: SamplingParams, *, sample: int) -> SamplingParams:
    if sample == 0 or sampling.seed is None:
        return sampling
    seed = (sampling.seed + sample * SEED_STEP) % SEED_LIMIT
    return sampling.model_copy(update={"seed": seed})


def _parse_bias(bias: dict[str, float] | None) -> dict[int, float] | None:
    if bias is None:
        return None
    if not all(token.isdecimal() for token in bias):
        raise _refuse("logit_bias", 'logit_bias is keyed by token ids, such as {"50256": -100}.')
    return {int(token): value for token, value in bias.items()}


def _parse_structure(structure: StructuredOutputs | None) -> Structure | None:
    if structure is None:
        return None
    try:
        return Structure(
            regex=structure.regex,
            choice=tuple(structure.choice or ()),
            json_schema=structure.json_schema,
        )
    except ValidationError as error:
        raise _refuse(
            "structured_outputs", "Give exactly one of regex, choice and json."
        ) from error


def _count(prompt: Prompt, sampling: SamplingParams, *, deployment: str) -> int:
    if prompt.token_ids:
        return len(prompt.token_ids)
    count = count_tokens(
        prompt.text, deployment=deployment, add_special_tokens=sampling.add_special_tokens
    )
    return count.tokens


def _warn(request: CompletionRequest) -> Sequence[str]:
    return [f"{name} is not known here and was ignored." for name in request.model_extra or {}]


def _refuse(field: str | None, message: str) -> DomainError:
    return DomainError("invalid_value", message, field=field)
