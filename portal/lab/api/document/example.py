"""The type of an example, and what several examples have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MODEL: Final = "smollm2-135m"
"""The demo's model; the reference page replaces it with a live one."""


@dataclass(frozen=True)
class Example:
    """A request and its response; path and query parameters by name."""

    response: Any
    request: Any = None
    parameters: Mapping[str, str | int] | None = None


def page_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """A list of one item, and no more."""
    return {
        "object": "list",
        "data": [item],
        "first_id": item["id"],
        "last_id": item["id"],
        "has_more": False,
    }
