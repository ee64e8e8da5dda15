"""Serves callers together that arrive while others are being served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


class Batching(Generic[Ask, Answer]):
    """Many threads ask one question each; the thread whose turn it is answers all waiting ones.

    `answer_all` returns one answer for each question, in order. If it raises for several, each of
    them is asked again alone, so that no question fails because of another. Errors of the types in
    `shared` have nothing to do with a single question and are raised for all of them. A question
    that comes alone is answered immediately, without waiting for others.
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
        except Exception as error:  # noqa: BLE001 -- raised again in the asking thread
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
    """Empty, or one answer."""
    error: Exception | None = None

    @property
    def is_served(self) -> bool:
        return bool(self.answers) or self.error is not None
