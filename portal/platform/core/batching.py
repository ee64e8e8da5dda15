"""Callers that come while others are being served are served together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


class Batching(Generic[Ask, Answer]):
    """Many threads ask one by one, and whoever's turn it is answers for all who wait by then.

    `answer_all` gives one answer for each question, in order. Where it raises for several, each of
    them is asked again alone, so that nobody fails for another's question; but errors of the types
    in `shared` come of no question, and are everybody's at once. Nobody waits for company: a
    question that comes alone is answered alone, at once.
    """

    def __init__(
        self,
        answer_all: Callable[[Sequence[Ask]], Sequence[Answer]],
        *,
        at_most: int,
        shared: tuple[type[Exception], ...] = (),
    ) -> None:
        self._answer_all = answer_all
        self._at_most = at_most
        self._shared = shared
        self._turn = threading.Lock()
        self._waiting: list[_Ticket[Ask, Answer]] = []
        self._list = threading.Lock()

    def ask(self, ask: Ask) -> Answer:
        """The answer to one question, or what `answer_all` raised for it."""
        ticket: _Ticket[Ask, Answer] = _Ticket(ask)
        with self._list:
            self._waiting.append(ticket)
        with self._turn:
            while not ticket.is_served:
                self._serve(self._take())
        if ticket.error is not None:
            raise ticket.error
        return ticket.answers[0]

    def _take(self) -> list[_Ticket[Ask, Answer]]:
        with self._list:
            taken, self._waiting = (
                self._waiting[: self._at_most],
                self._waiting[self._at_most :],
            )
        return taken

    def _serve(self, tickets: list[_Ticket[Ask, Answer]]) -> None:
        try:
            answers = self._answer_all([ticket.ask for ticket in tickets])
        except Exception as error:  # noqa: BLE001 -- raised in the thread of whoever asked
            if len(tickets) == 1 or isinstance(error, self._shared):
                for ticket in tickets:
                    ticket.error = error
                return
            for ticket in tickets:
                self._serve([ticket])
            return
        for ticket, answer in zip(tickets, answers, strict=True):
            ticket.answers.append(answer)


@dataclass(eq=False, slots=True)
class _Ticket(Generic[Ask, Answer]):
    ask: Ask
    answers: list[Answer] = field(default_factory=list)
    """None as yet, or one."""
    error: Exception | None = None

    @property
    def is_served(self) -> bool:
        return bool(self.answers) or self.error is not None
