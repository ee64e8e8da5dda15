"""When each run begins, if every run takes as long as expected."""

from __future__ import annotations

from uuid import uuid4

from portal.lab.jobs.domain.fairness import Running, Waiting, foretell
from portal.lab.jobs.enums import JobClass

INTERACTIVE, API = JobClass.INTERACTIVE, JobClass.API


def wait(user: int, seconds: float, job_class: JobClass = INTERACTIVE) -> Waiting:
    return Waiting(uuid4(), user, job_class, 1.0, seconds)


def begin(runs: list[Waiting], running: list[Running], *, slots: int) -> list[float]:
    starts = foretell(runs, running, slots=slots)
    return [starts[run.id] for run in runs]


def test_the_one_that_ends_first_makes_room_first() -> None:
    running = [Running(8, INTERACTIVE, 6.0), Running(9, INTERACTIVE, 4.0)]

    assert begin([wait(1, 10), wait(2, 10)], running, slots=2) == [4.0, 6.0]


def test_people_begin_in_the_order_that_was_arranged() -> None:
    assert begin([wait(2, 10), wait(1, 10)], [], slots=1) == [0.0, 10.0]


def test_what_is_not_expected_to_take_time_takes_none() -> None:
    runs = [Waiting(uuid4(), user, INTERACTIVE, 1.0) for user in (1, 2)]

    assert begin(runs, [Running(9, INTERACTIVE)], slots=1) == [0.0, 0.0]


def test_without_a_slot_nothing_ever_begins() -> None:
    assert foretell([wait(1, 10)], [], slots=0) == {}


def test_what_is_kept_for_newcomers_is_theirs_until_they_have_begun() -> None:
    running = [Running(user, API, 200.0) for user in range(10)]
    runs = [wait(20, 50, API) for _ in range(3)]

    # Of 16 slots the API has 12, and one of these for who has none.
    assert begin(runs, running, slots=16) == [0.0, 50.0, 100.0]


def test_who_has_ended_is_a_newcomer_again() -> None:
    running = [*(Running(user, API, 200.0) for user in range(11)), Running(20, API, 10.0)]

    assert begin([wait(20, 50, API)], running, slots=16) == [10.0]
