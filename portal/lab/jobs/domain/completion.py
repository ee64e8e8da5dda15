"""A job's completion, built from its events or read from its row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from inference_workers.contract import (
    Cancelled,
    Delta,
    Done,
    Event,
    Failed,
    Row,
    Scored,
    Snapshot,
    Started,
    TerminalEvent,
    TokenLogprobs,
)


@dataclass(slots=True)
class Completion:
    """A job's completion; `add` the events in order."""

    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    scored: Scored | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    """By position."""
    started: Started | None = None
    end: TerminalEvent | None = None

    def add(self, event: Event) -> None:
        """Add one event. A delta that does not follow the present tokens is ignored."""
        match event:
            case Snapshot():
                self.text = event.text
                self.token_ids = list(event.token_ids)
                self.logprobs = list(event.logprobs)
                self.scored = event.scored or self.scored
                self.rows.update({row.position: row for row in event.rows})
            case Delta() if event.offset == len(self.token_ids):
                self.text += event.text
                self.token_ids += event.token_ids
                self.logprobs += event.logprobs
            case Scored():
                self.scored = event
            case Row():
                self.rows[event.position] = event
            case Started():
                self.started = event
            case Done() | Failed() | Cancelled():
                self.end = event

    @property
    def prompt_token_ids(self) -> tuple[int, ...]:
        return self.scored.token_ids if self.scored else ()


def fold(events: Iterable[Event]) -> Completion:
    """The completion after these events."""
    completion = Completion()
    for event in events:
        completion.add(event)
    return completion
