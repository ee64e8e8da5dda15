"""Simultaneous questions are answered together, and none fails because of another."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from portal.platform.core.batching import Batching

SECONDS = 10


class Desk:
    """Doubles numbers once the test allows it; refuses a group that contains a 13."""

    def __init__(self, *, at_most: int = 32, shared: tuple[type[Exception], ...] = ()) -> None:
        self.groups: list[list[int]] = []
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()
        self.batching = Batching(self.answer, at_most=at_most, shared=shared)

    def answer(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        self.is_asked.set()
        assert self.may_answer.wait(SECONDS)
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]

    def ask_while_busy(self, *numbers: int) -> list[Future[int]]:
        """One question that is being answered, and others that arrive at the same time."""
        with ThreadPoolExecutor(len(numbers) + 1) as pool:
            first = pool.submit(self.batching.ask, 0)
            assert self.is_asked.wait(SECONDS)
            others = []
            for number in numbers:
                others.append(pool.submit(self.batching.ask, number))
                while len(self.batching._waiting) < len(others):
                    threading.Event().wait(0.001)
            self.may_answer.set()
        return [first, *others]


def test_a_question_alone_is_answered_at_once() -> None:
    desk = Desk()
    desk.may_answer.set()

    assert [desk.batching.ask(number) for number in (1, 2)] == [2, 4]
    assert desk.groups == [[1], [2]]


def test_what_comes_meanwhile_is_answered_together_and_in_order() -> None:
    desk = Desk()

    answers = desk.ask_while_busy(1, 2, 3)

    assert [answer.result() for answer in answers] == [0, 2, 4, 6]
    assert desk.groups == [[0], [1, 2, 3]]


def test_no_group_is_larger_than_allowed() -> None:
    desk = Desk(at_most=2)

    answers = desk.ask_while_busy(1, 2, 3)

    assert [answer.result() for answer in answers] == [0, 2, 4, 6]
    assert desk.groups == [[0], [1, 2], [3]]


def test_nobody_fails_for_anothers_question() -> None:
    desk = Desk()

    first, one, unlucky, two = desk.ask_while_busy(1, 13, 2)

    assert [answer.result() for answer in (first, one, two)] == [0, 2, 4]
    with pytest.raises(ValueError, match="13"):
        unlucky.result()
    assert desk.groups == [[0], [1, 13, 2], [1], [13], [2]]


def test_an_error_that_comes_of_no_question_is_everybodys_at_once() -> None:
    desk = Desk(shared=(ValueError,))

    first, *others = desk.ask_while_busy(1, 13, 2)

    assert first.result() == 0
    for answer in others:
        with pytest.raises(ValueError, match="13"):
            answer.result()
    assert desk.groups == [[0], [1, 13, 2]]
