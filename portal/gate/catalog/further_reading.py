"""What higher wings add to the further reading on a model's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from portal.gate.catalog.models import HostedModel


@dataclass(frozen=True)
class Reading:
    """A link, and what is behind it in a few words."""

    label: str
    url: str
    about: str


Source: TypeAlias = Callable[[HostedModel], Iterable[Reading]]
_SOURCES: Final[list[Source]] = []


def add_reading(source: Source) -> Source:
    """Register a source, when its app starts; usable as a decorator."""
    _SOURCES.append(source)
    return source


def list_reading(model: HostedModel) -> list[Reading]:
    return [reading for source in _SOURCES for reading in source(model)]
