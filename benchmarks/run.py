"""What one reader of one run saw."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Run:
    """One stream from its submission to its end; times are of the monotonic clock.

    `token_ids` stays empty where a server does not tell them; `tokens` counts either way.
    """

    submitted_at: float = 0.0
    accepted_at: float = 0.0
    first_at: float = 0.0
    ended_at: float = 0.0
    id: str = ""
    token_ids: list[int] = field(default_factory=list)
    tokens: int = 0
    text: str = ""
    frames: int = 0
    """Events that brought tokens."""
    faults: int = 0
    reconnections: int = 0
    end: str = ""
    error: str = ""
    heard_at: float = 0.0
    longest_silence: float = 0.0
    """Between two events that brought tokens."""

    def hear(self) -> None:
        now = time.monotonic()
        if self.heard_at:
            self.longest_silence = max(self.longest_silence, now - self.heard_at)
        else:
            self.first_at = now
        self.heard_at = now
