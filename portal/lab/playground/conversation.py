"""A conversation as the page posts it: roles and texts, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.http import QueryDict

from portal.gate.catalog.models import HostedModel
from portal.lab.chat.domain.templates import render_prompt
from portal.lab.chat.wire import ChatMessage
from portal.platform.core.errors import invalid_value

TURNS_MOST: Final = 200
_EDIT: Final = re.compile(r"(up|down|remove):([0-9]{1,4})")


class Role(StrEnum):
    """Who says a message, by the names of the models' templates."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class Turn:
    """One message."""

    role: Role = Role.USER
    content: str = ""


def read_turns(posted: QueryDict) -> list[Turn]:
    """The messages; raises `DomainError` on the field `messages`."""
    roles, contents = posted.getlist("role"), posted.getlist("content")
    if len(roles) != len(contents) or not set(roles) <= set(Role):
        raise invalid_value("These are not messages with a role each.", field="messages")
    if len(roles) > TURNS_MOST:
        raise invalid_value(
            f"These are {len(roles):,} messages; the limit is {TURNS_MOST}.", field="messages"
        )
    return [
        Turn(Role(role), content.replace("\r\n", "\n"))
        for role, content in zip(roles, contents, strict=True)
    ]


def edit_turns(turns: Sequence[Turn], edit: str) -> list[Turn]:
    """The messages after `add`, or `up`, `down` or `remove` with a place; others do nothing."""
    edited = list(turns)
    if edit == "add":
        return [*edited, Turn(next_role(edited))]
    match = _EDIT.fullmatch(edit)
    if match is None or int(match[2]) >= len(edited):
        return edited
    place = int(match[2])
    turn = edited.pop(place)
    if match[1] == "remove":
        return edited
    edited.insert(max(0, place - 1) if match[1] == "up" else place + 1, turn)
    return edited


def next_role(turns: Sequence[Turn]) -> Role:
    """Who speaks after these messages."""
    return Role.ASSISTANT if turns and turns[-1].role == Role.USER else Role.USER


def render_turns(model: HostedModel, turns: Sequence[Turn]) -> str:
    """The prompt that the model's template makes; raises `DomainError`."""
    if not turns:
        raise invalid_value("Add a message first.", field="messages")
    messages = [
        ChatMessage.model_validate({"role": str(turn.role), "content": turn.content})
        for turn in turns
    ]
    return render_prompt(model, messages)


def require_written(turns: Sequence[Turn]) -> None:
    """Raise `DomainError` if a message is empty."""
    for number, turn in enumerate(turns, 1):
        if not turn.content.strip():
            raise invalid_value(
                f"Message {number} is empty. Write it, or remove it.", field="messages"
            )
