"""Plans the runs that answer a request, and how they become its choices."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from inference_workers.contract import SamplingParams
from portal.lab.completions.domain.bounds import require_affordable
from portal.lab.completions.domain.fields import list_ignored, warn
from portal.lab.completions.domain.prompts import Prompt, parse_prompts
from portal.lab.completions.domain.structure import parse_structure
from portal.lab.completions.wire import CompletionRequest
from portal.lab.jobs.domain.admission import Run, count_prompt
from portal.lab.jobs.domain.calls import require_runs
from portal.lab.jobs.domain.sets import seed_sample
from portal.lab.jobs.domain.tokens import find_vocabulary, require_token
from portal.platform.core.errors import invalid_value

DEFAULT_MAX_TOKENS: Final = 16
CANONICAL_ID: Final = re.compile(r"0|[1-9][0-9]{0,9}")
"""One spelling for each token: a second spelling would replace the first one's value."""


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
    """The runs of the request; raises `DomainError` naming the field."""
    ignored = list_ignored(request)
    _require_supported(request)
    prompts = parse_prompts(request.prompt, deployment=deployment)
    n = request.n or 1
    best_of = request.best_of or n
    if best_of < n:
        raise invalid_value(
            f"best_of is {best_of}; it must be at least n, which is {n}.", field="best_of"
        )
    sampling = build_sampling(request)
    ranks = best_of > n
    if ranks and sampling.logprobs is None:
        sampling = sampling.model_copy(update={"logprobs": 0})
    require_runs(len(prompts) * best_of, field="prompt")
    _require_tokens(sampling, vocabulary=find_vocabulary(deployment))
    runs = [
        Run(
            sampling=seed_sample(sampling, sample=sample),
            prompt=prompt.text,
            prompt_token_ids=prompt.token_ids,
        )
        for prompt in prompts
        for sample in range(best_of)
    ]
    require_affordable(
        sampling,
        prompts=[count_prompt(run, deployment=deployment).tokens for run in runs[::best_of]]
        if sampling.prompt_logprobs is not None
        else [],
        deployment=deployment,
    )
    return Plan(
        prompts=tuple(prompts),
        runs=tuple(runs),
        samples=best_of,
        n=n,
        echo=bool(request.echo),
        logprobs=request.logprobs,
        ranks=ranks,
        warnings=warn(ignored),
    )


def build_sampling(request: CompletionRequest) -> SamplingParams:
    """The request's exact parameters; raises `DomainError` naming the field."""
    given = {
        name: getattr(request, name)
        for name in (
            "temperature", "top_p", "presence_penalty", "frequency_penalty", "min_p",
            "repetition_penalty", "min_tokens", "ignore_eos", "stop_token_ids",
            "allowed_token_ids", "bad_words", "stop", "logprobs", "prompt_logprobs",
            "add_special_tokens",
        )
    }  # fmt: skip
    given["max_tokens"] = DEFAULT_MAX_TOKENS if request.max_tokens is None else request.max_tokens
    given["top_k"] = max(0, request.top_k or 0)
    given["logit_bias"] = _parse_bias(request.logit_bias)
    given["structure"] = parse_structure(request)
    given["seed"] = _choose_seed(request)
    if request.echo and request.logprobs is not None and request.prompt_logprobs is None:
        given["prompt_logprobs"] = request.logprobs
    try:
        return SamplingParams(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else None
        raise invalid_value(f"{field}: {first['msg']}.", field=field) from error


def _require_supported(request: CompletionRequest) -> None:
    if request.stream and (request.best_of or 1) > (request.n or 1):
        raise invalid_value(
            "best_of cannot be streamed. Leave out stream or best_of.", field="best_of"
        )
    if request.max_tokens == 0 and not (request.echo or request.prompt_logprobs is not None):
        raise invalid_value(
            "max_tokens is 0, so nothing would be generated. Request the prompt with echo or "
            "prompt_logprobs, or choose at least 1.",
            field="max_tokens",
        )
    for place, word in enumerate(request.bad_words or []):
        if not word.strip():
            raise invalid_value(
                f"bad_words[{place}] is blank. Leave it out.", field=f"bad_words[{place}]"
            )
    most = DEFAULT_MAX_TOKENS if request.max_tokens is None else request.max_tokens
    if (request.min_tokens or 0) > most:
        raise invalid_value(
            f"min_tokens is {request.min_tokens:,}; the limit is max_tokens, {most:,}.",
            field="min_tokens",
        )


def _choose_seed(request: CompletionRequest) -> int | None:
    """The seed, drawn here if none is given, so that the receipt can name it."""
    if request.temperature == 0.0:
        return None
    if request.seed is None:
        return secrets.randbelow(2**31)
    return request.seed


def _parse_bias(bias: dict[str, float] | None) -> dict[int, float] | None:
    if bias is None:
        return None
    for token in bias:
        if not CANONICAL_ID.fullmatch(token):
            raise invalid_value(
                f'The keys of logit_bias are token ids, such as {{"50256": -100}}; '
                f"{token[:20]!r} is not a token id.",
                field="logit_bias",
            )
    return {int(token): value for token, value in bias.items()}


def _require_tokens(sampling: SamplingParams, *, vocabulary: int | None) -> None:
    """Raise `DomainError` if the request names a token that the model does not have."""
    for name in ("stop_token_ids", "allowed_token_ids"):
        for place, token in enumerate(getattr(sampling, name)):
            require_token(token, field=f"{name}[{place}]", vocabulary=vocabulary)
    for token in sampling.logit_bias:
        require_token(token, field="logit_bias", vocabulary=vocabulary)
