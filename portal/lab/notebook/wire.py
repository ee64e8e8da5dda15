"""A document in an exported or imported file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from portal.lab.notebook.models import NAME_LENGTH
from portal.platform.core.wire import WireModel

LONGEST = 1_000_000
Name = Annotated[str, Field(max_length=NAME_LENGTH)]


class NotesRow(WireModel):
    """What its owner noted."""

    model_config = ConfigDict(extra="ignore")

    name: Name = ""
    is_starred: bool = False
    project: Name | None = None
    parent: str | None = None
    """The id of the document that it continues."""


class DocumentRow(WireModel):
    """A line: a run's receipt with its notes, or just a text."""

    model_config = ConfigDict(extra="ignore")

    id: str | None = None
    prompt: str = Field(default="", max_length=LONGEST)
    text: str = Field(default="", max_length=LONGEST)
    sampling: dict[str, Any] | None = None
    notes: NotesRow = NotesRow()
