"""Fields of OpenAI's and vLLM's requests that are not supported: refused, or harmless.

Fields that a request's class declares are supported. Of the others, a name in REFUSED would change
the answer and is an error; a name in HARMLESS and an unknown name are ignored with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.wire import write_place

NO_TOOLS: Final = "tools are not supported. Leave it out"
NO_SOUND: Final = "responses are text only. Leave it out"
NO_REASONING: Final = "these models do not reason separately from their answer. Leave it out"
NO_BEAMS: Final = "there is no beam search. Use best_of, or leave it out"
NO_TEMPLATES: Final = "chats use the model's own template. To avoid it, use /v1/completions"
STRUCTURED: Final = "use structured_outputs or response_format"
NOT_IN_CHATS: Final = "it is a field of /v1/completions. Leave it out"
NOT_HERE: Final = "it would change the answer and is not supported. Leave it out"

REFUSED: Final[Mapping[str, tuple[str, tuple[object, ...]]]] = {
    # OpenAI
    "tools": (NO_TOOLS, ([],)),
    "tool_choice": (NO_TOOLS, ("none", "auto")),
    "functions": (NO_TOOLS, ([],)),
    "function_call": (NO_TOOLS, ("none", "auto")),
    "tool_calls": (NO_TOOLS, ([],)),
    "tool_call_id": (NO_TOOLS, ()),
    "modalities": (NO_SOUND, (["text"],)),
    "audio": (NO_SOUND, ()),
    "web_search_options": ("the model cannot search. Leave it out", ()),
    "moderation": (NOT_HERE, ()),
    "reasoning_effort": (NO_REASONING, ("none",)),
    "verbosity": (NOT_HERE, ("medium",)),
    "suffix": ("these models cannot infill. Leave it out", ("",)),
    "max_completion_tokens": ("in completions, use max_tokens", ()),
    "top_logprobs": ("in completions, use logprobs", ()),
    "messages": ("send them to /v1/chat/completions, or a text as prompt", ()),
    "prompt": ("chats use messages. Send a prompt to /v1/completions", ()),
    "best_of": (NOT_IN_CHATS, (1,)),
    "echo": (NOT_IN_CHATS, (False,)),
    # vLLM
    "prompt_logprobs": (NOT_IN_CHATS, ()),
    "add_special_tokens": (NO_TEMPLATES, (False,)),
    "add_generation_prompt": (NO_TEMPLATES, (True,)),
    "continue_final_message": (NO_TEMPLATES, (False,)),
    "chat_template": (NO_TEMPLATES, ()),
    "chat_template_kwargs": (NO_TEMPLATES, ({},)),
    "documents": (NO_TEMPLATES, ([],)),
    "media_io_kwargs": (NO_SOUND, ({},)),
    "mm_processor_kwargs": (NO_SOUND, ({},)),
    "prompt_embeds": (NOT_HERE, ([],)),
    "use_beam_search": (NO_BEAMS, (False,)),
    "length_penalty": (NO_BEAMS, (1,)),
    "early_stopping": (NO_BEAMS, (False,)),
    "truncate_prompt_tokens": ("a prompt is never cut. Shorten it", ()),
    "truncation_side": ("a prompt is never cut. Shorten it", ()),
    "include_stop_str_in_output": (
        "stop sequences are never part of the text. Leave it out",
        (False,),
    ),
    "skip_special_tokens": ("ask for return_token_ids to see special tokens", (True,)),
    "spaces_between_special_tokens": ("ask for return_token_ids instead", (True,)),
    "logprob_token_ids": ("use /v1/distributions to look tokens up", ([],)),
    "return_tokens_as_token_ids": ("use return_token_ids", (False,)),
    "return_prompt_text": (NOT_HERE, (False,)),
    "thinking_token_budget": (NO_REASONING, (-1,)),
    "repetition_detection": (NOT_HERE, ()),
    "watermarking": (NOT_HERE, (False,)),
    "vllm_xargs": (NOT_HERE, ({},)),
    "kv_transfer_params": (NOT_HERE, ({},)),
    "ec_transfer_params": (NOT_HERE, ({},)),
    "guided_json": (STRUCTURED, ()),
    "guided_regex": (STRUCTURED, ()),
    "guided_choice": (STRUCTURED, ()),
    "guided_grammar": (STRUCTURED, ()),
    "guided_decoding_backend": (STRUCTURED, ()),
    "guided_whitespace_pattern": (STRUCTURED, ()),
}
"""The reason, and the values that mean the same as leaving the field out; null always does."""

HARMLESS: Final = frozenset(
    {
        # OpenAI
        "user", "metadata", "store", "service_tier", "safety_identifier", "prediction",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
        "parallel_tool_calls", "include_obfuscation", "name", "refusal", "annotations",
        # vLLM
        "priority", "request_id", "session_id", "cache_salt", "stream_interval",
        "include_reasoning", "return_token_offsets", "mm_payload", "return_mm_kwargs",
        "routed_experts_prompt_start", "continuous_usage_stats",
    }
)  # fmt: skip
"""Fields that change no answer."""


def list_ignored(request: BaseModel) -> dict[str, Any]:
    """Fields that the request's class does not declare, by place; raises `DomainError` if REFUSED.

    Values that mean the same as leaving a field out are not included.
    """
    ignored = {}
    for place, value in _list_extras(request, ()):
        name = place[-1]
        why, neutral = REFUSED.get(str(name), ("", ()))
        where = write_place(place) or ""
        if value is None or any(_is_same(value, each) for each in neutral):
            continue
        if why:
            raise DomainError(RefusalCode.UNSUPPORTED_PARAMETER, f"{where}: {why}.", field=where)
        ignored[where] = value
    return ignored


def require_known(request: BaseModel) -> None:
    """Raise `DomainError` for a field that is neither declared nor HARMLESS."""
    for name in sorted(list_ignored(request)):
        if not _is_harmless(name):
            raise DomainError(
                RefusalCode.UNSUPPORTED_PARAMETER, f"{name} is not a known field.", field=name
            )


def warn(ignored: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence for each ignored field."""
    return tuple(
        f"{name} changes no answer and was ignored."
        if _is_harmless(name)
        else f"{name} is not a known field and was ignored."
        for name in ignored
    )


def _is_harmless(name: str) -> bool:
    return name.rpartition(".")[2] in HARMLESS


def _is_same(value: object, neutral: object) -> bool:
    """Whether the values are equal and of the same kind: 1 is not true."""
    return value == neutral and isinstance(value, bool) == isinstance(neutral, bool)


def _list_extras(
    model: BaseModel, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for name, value in (model.model_extra or {}).items():
        yield (*place, name), value
    for name in type(model).model_fields:
        yield from _look_into(getattr(model, name), (*place, name))


def _look_into(
    value: object, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, BaseModel):
        yield from _list_extras(value, place)
    elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
        for index, item in enumerate(value):
            yield from _look_into(item, (*place, index))
