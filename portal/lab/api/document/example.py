"""What an example is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MODEL: Final = "smollm2-135m"
"""The demo's model; the reference page puts in one that is live."""


@dataclass(frozen=True)
class Example:
    """What is sent and what comes back; path and query parameters by name."""

    response: Any
    request: Any = None
    parameters: Mapping[str, str | int] | None = None
