"""Request bodies for vLLM, with every parameter set, so that no default applies."""

from __future__ import annotations

from typing import Any

from inference_workers.contract import Structure
from inference_workers.engines.base import EngineRequest

FULL_VOCABULARY = -1


def build_stream_body(model: str, request: EngineRequest) -> dict[str, Any]:
    """The body for a streamed completion."""
    return {
        **_sampling(model, request),
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_interval": request.stream_interval,
        **_structure(request.sampling.structure),
    }


def build_score_body(model: str, request: EngineRequest) -> dict[str, Any]:
    """The body for the prompt's log-probabilities and one token; vLLM does not stream these."""
    return {
        **_sampling(model, request),
        "max_tokens": 1,
        "min_tokens": min(1, request.min_tokens),
        "prompt_logprobs": request.sampling.prompt_logprobs or 0,
        **_structure(request.sampling.structure),
    }


def build_row_body(model: str, request: EngineRequest) -> dict[str, Any]:
    """The body for one token with the whole distribution that it is drawn from."""
    return {
        "model": model,
        "prompt": list(request.prompt_ids),
        "request_id": request.request_id,
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": FULL_VOCABULARY,
        "return_tokens_as_token_ids": True,
        "priority": request.priority,
    }


def _sampling(model: str, request: EngineRequest) -> dict[str, Any]:
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(request.prompt_ids),
        "request_id": request.request_id,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "min_tokens": request.min_tokens,
        "ignore_eos": sampling.ignore_eos,
        "stop": list(request.stop),
        "stop_token_ids": list(sampling.stop_token_ids),
        "bad_words": list(sampling.bad_words),
        "return_token_ids": True,
        "priority": request.priority,
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if request.logit_bias:
        body["logit_bias"] = {str(token): bias for token, bias in request.logit_bias.items()}
    if sampling.allowed_token_ids:
        body["allowed_token_ids"] = list(sampling.allowed_token_ids)
    if sampling.logprobs is not None:
        body["logprobs"] = sampling.logprobs
        body["return_tokens_as_token_ids"] = True
    return body


def _structure(structure: Structure | None) -> dict[str, Any]:
    if structure is None:
        return {}
    if structure.regex is not None:
        return {"structured_outputs": {"regex": structure.regex}}
    if structure.choice:
        return {"structured_outputs": {"choice": list(structure.choice)}}
    return {"structured_outputs": {"json": structure.json_schema}}
