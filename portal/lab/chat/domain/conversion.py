"""Converts a chat's request to a completion's, and the completion's response back."""

from __future__ import annotations

from typing import Any, Final

from portal.gate.catalog.models import HostedModel
from portal.lab.chat.domain.templates import render_prompt
from portal.lab.chat.wire import ChatRequest
from portal.lab.completions.domain.assemble import Answer
from portal.lab.completions.domain.fields import list_ignored
from portal.lab.completions.wire import CompletionRequest, GenerationFields
from portal.lab.jobs.domain.admission import context_length
from portal.lab.jobs.domain.tokens import count_tokens
from portal.lab.jobs.domain.workers import engine_status
from portal.platform.core.errors import DomainError, invalid_value, rename_field
from portal.platform.core.refusals import RefusalCode

SAME_FIELDS: Final = ("model", *GenerationFields.model_fields)


def to_completion(request: ChatRequest, *, model: HostedModel) -> CompletionRequest:
    """The chat as a completion request; raises `DomainError` naming the field."""
    ignored = list_ignored(request)
    if request.top_logprobs is not None and not request.logprobs:
        raise invalid_value("top_logprobs needs logprobs to be true.", field="top_logprobs")
    prompt = render_prompt(model, request.messages)
    fields = {name: getattr(request, name) for name in SAME_FIELDS}
    return CompletionRequest(
        **fields,
        # They have no field in a completion request, and are named in the warnings.
        **ignored,
        prompt=prompt,
        # The template has already written the beginning-of-text token.
        add_special_tokens=False,
        max_tokens=request.max_completion_tokens
        or request.max_tokens
        or _room(prompt, model=model),
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
    )


def to_chat_refusal(error: DomainError, request: ChatRequest) -> DomainError:
    """The same refusal, naming the chat's field instead of the completion's."""
    is_by_old_name = bool(request.max_tokens and not request.max_completion_tokens)
    names = {
        "prompt": "messages",
        "logprobs": "top_logprobs",
        "max_tokens": "max_tokens" if is_by_old_name else "max_completion_tokens",
    }
    return error if error.code == RefusalCode.UNSUPPORTED_PARAMETER else rename_field(error, names)


def to_chat(answer: Answer, completion: dict[str, Any]) -> dict[str, Any]:
    """A whole completion as a chat's response."""
    choices = [
        {
            **_common(choice),
            "message": {"role": "assistant", "content": choice["text"], "refusal": None},
        }
        for choice in completion["choices"]
    ]
    return {**completion, **_head(answer, "chat.completion"), "choices": choices}


def to_piece(answer: Answer, choice: dict[str, Any]) -> dict[str, Any]:
    """A piece of a streamed completion as a piece of a chat; every delta names the role."""
    head = {**answer.envelope(), **_head(answer, "chat.completion.chunk")}
    if not choice:
        return head
    delta = {"role": "assistant", "content": choice["text"]}
    return {**head, "choices": [{**_common(choice), "delta": delta}]}


def _head(answer: Answer, object_name: str) -> dict[str, str]:
    return {"id": f"chatcmpl-{answer.submitted.call.pk.hex}", "object": object_name}


def _common(choice: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in choice.items() if name not in {"text", "logprobs"}}
    lists = choice["logprobs"]
    return {**kept, "logprobs": _write_logprobs(lists) if lists else None}


def _write_logprobs(lists: dict[str, Any]) -> dict[str, Any]:
    """One object for each token, with its alternatives, the likeliest first."""
    content = [
        {
            **_name(token, logprob),
            "top_logprobs": [
                _name(other, value)
                for other, value in sorted(top.items(), key=lambda item: -item[1])
            ],
        }
        for token, logprob, top in zip(
            lists["tokens"], lists["token_logprobs"], lists["top_logprobs"], strict=True
        )
    ]
    return {"content": content, "refusal": None}


def _name(token: str, logprob: float) -> dict[str, Any]:
    """Bytes are those of its text, and null where it is part of a character and has none."""
    is_text = "\N{REPLACEMENT CHARACTER}" not in token
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode()) if is_text else None,
    }


def _room(prompt: str, *, model: HostedModel) -> int:
    """The tokens that fit into the context after the prompt."""
    limit = context_length(model, engine_status(model.deployment))
    count = count_tokens(prompt, deployment=model.deployment, add_special_tokens=False)
    return max(1, limit - count.tokens)
