"""One run, as one reader saw it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Run:
    """One stream from its submission to its end; times are from the monotonic clock.

    `token_ids` is empty if the server does not send them; `tokens` is always counted.
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
    """The number of events with tokens."""
    faults: int = 0
    reconnections: int = 0
    end: str = ""
    error: str = ""
    heard_at: float = 0.0
    longest_silence: float = 0.0
    """The longest time between two events with tokens, in seconds."""

    def hear(self) -> None:
        now = time.monotonic()
        if self.heard_at:
            self.longest_silence = max(self.longest_silence, now - self.heard_at)
        else:
            self.first_at = now
        self.heard_at = now
