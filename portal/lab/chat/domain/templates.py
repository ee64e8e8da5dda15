"""Renders a conversation as a prompt in the format of the model's training."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

import redis
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import ValidationError

from inference_workers.contract import ChatTemplate, chat_template_key
from portal.gate.catalog.models import HostedModel
from portal.lab.chat.wire import ChatMessage
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.redis import sync_redis
from portal.platform.core.refusals import RefusalCode


def render_prompt(model: HostedModel, messages: list[ChatMessage]) -> str:
    """The conversation and the beginning of the model's answer.

    Raises `DomainError` with code `no_chat_template` for a model without a template, and on the
    field `messages` for a conversation that its template refuses.
    """
    template = find_template(model.deployment)
    if template is None:
        raise DomainError(
            RefusalCode.NO_CHAT_TEMPLATE,
            f"{model.name} continues texts and has no chat template. Send your text as `prompt` "
            "to /v1/completions.",
            field="model",
            next_url="/docs/api/",
        )
    written = [
        {"role": message.role, "content": _read_text(message, place=place)}
        for place, message in enumerate(messages)
    ]
    try:
        return _ENVIRONMENT.from_string(template.template).render(
            messages=written,
            add_generation_prompt=True,
            bos_token=template.bos_token,
            eos_token=template.eos_token,
        )
    except TemplateError as error:
        raise invalid_value(
            f"The model's chat template refuses this conversation: {str(error)[:200]}",
            field="messages",
        ) from error


def find_template(deployment: str) -> ChatTemplate | None:
    """The template that the deployment's workers have published."""
    try:
        raw = cast("str | None", sync_redis().get(chat_template_key(deployment)))
        return ChatTemplate.model_validate_json(raw) if raw else None
    except (redis.RedisError, ValidationError):
        return None


def _read_text(message: ChatMessage, *, place: int) -> str:
    for number, part in enumerate(message.content):
        if part.type != "text":
            raise DomainError(
                RefusalCode.UNSUPPORTED_PARAMETER,
                f"Message {place} has a part of type {part.type[:50]!r}; only text is "
                "supported. Leave it out.",
                field=f"messages[{place}].content[{number}].type",
            )
    return "".join(part.text or "" for part in message.content)


def _refuse(message: str) -> NoReturn:
    """`raise_exception` in templates."""
    raise TemplateError(message)


def _make_environment() -> ImmutableSandboxedEnvironment:
    """As in transformers: a sandbox, since templates come with the weights."""
    # The result is a prompt and not a page: escaping would change what the model sees.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    return environment


def _to_json(value: Any, indent: int | None = None) -> str:  # noqa: ANN401 -- JSON
    return json.dumps(value, ensure_ascii=False, indent=indent)


_ENVIRONMENT = _make_environment()
