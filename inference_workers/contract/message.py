"""What every message has in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Base of everything on the wire: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
