"""Whose run is next, and when: only arithmetic."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lab.jobs.domain.fairness import (
    SHARES,
    Held,
    Running,
    Waiting,
    arrange,
    choose,
    foretell,
)
from portal.lab.jobs.enums import JobClass

INTERACTIVE, API, BATCH = JobClass.INTERACTIVE, JobClass.API, JobClass.BATCH


def wait(user: int, waited: float, job_class: JobClass = API, seconds: float = 10.0) -> Waiting:
    return Waiting(uuid4(), user, job_class, waited, seconds)


def users(runs: list[Waiting]) -> list[int]:
    return [run.user_id for run in runs]


def test_people_take_turns_however_many_runs_one_has() -> None:
    many = [wait(1, 30 - number) for number in range(4)]
    few = [wait(2, 5), wait(3, 4)]

    assert users(arrange([*many, *few], [])) == [1, 2, 3, 1, 1, 1]


def test_who_has_runs_under_way_comes_after_who_has_none() -> None:
    runs = [wait(1, 20), wait(2, 10)]

    assert users(arrange(runs, [Running(1, API)])) == [2, 1]


def test_runs_of_another_class_do_not_count_against_a_person() -> None:
    runs = [wait(1, 20), wait(2, 10)]

    assert users(arrange(runs, [Running(1, BATCH)])) == [1, 2]


def test_waiting_makes_up_for_runs_under_way() -> None:
    runs = [wait(1, 130), wait(2, 5)]

    assert users(arrange(runs, [Running(1, API), Running(1, API)])) == [1, 2]


def test_two_minutes_weigh_as_much_as_two_runs_and_the_longer_wait_decides() -> None:
    runs = [wait(1, 0), wait(2, 120)]

    assert users(arrange(runs, [Running(2, API)] * 2)) == [2, 1]
    assert users(arrange([wait(2, 5), wait(1, 5)], [])) == [1, 2]


def test_each_run_that_goes_ahead_counts_as_one_under_way() -> None:
    runs = [*(wait(1, 0) for _ in range(4)), wait(2, 0)]

    assert users(arrange(runs, [Running(2, API)] * 2)) == [1, 1, 1, 2, 1]


def test_a_persons_runs_come_in_the_order_of_their_waiting() -> None:
    runs = [wait(1, waited) for waited in (5, 9, 7)]

    assert [run.waited for run in arrange(runs, [])] == [9, 7, 5]


def test_classes_come_one_after_another() -> None:
    runs = [wait(1, 500, BATCH), wait(2, 100, API), wait(3, 1, INTERACTIVE)]

    assert users(arrange(runs, [])) == [3, 2, 1]


def test_a_class_leaves_slots_to_those_before_it() -> None:
    runs = [wait(number, 1, job_class) for job_class in (BATCH, API) for number in range(9)]

    chosen = choose(arrange(runs, []), [], slots=8)
    assert Counter(run.job_class for run in chosen) == {API: 6}
    assert len(choose(arrange(runs[:9], []), [], slots=8)) == 4

    held = [Running(1, BATCH)] * 4
    assert Counter(run.job_class for run in choose(arrange(runs, []), held, slots=8)) == {API: 2}
    held = [Running(1, job_class) for job_class in (API, API, *[BATCH] * 4)]
    assert Held.by(held).may_begin(INTERACTIVE, 9, slots=8)
    full = Held.by([*held, *[Running(2, INTERACTIVE)] * 2])
    assert not full.may_begin(INTERACTIVE, 9, slots=8)


def test_of_eight_slots_of_a_class_one_is_kept_for_who_has_none() -> None:
    many = [wait(1, 500 - number) for number in range(12)]
    first = choose(arrange(many, []), [], slots=16)
    held = [Running(run.user_id, API, 10.0) for run in first]
    later = [*many[len(first) :], wait(2, 1), wait(3, 1)]

    # Of 16 slots the API has 12.
    assert users(first) == [1] * 11
    assert users(choose(arrange(later, held), held, slots=16)) == [2]
    starts = foretell(arrange(later, held), held, slots=16)
    assert [starts[run.id] for run in later] == [10.0, 0.0, 10.0]


def test_of_sixteen_slots_two_are_kept() -> None:
    runs = [wait(1, 1, INTERACTIVE) for _ in range(17)]

    assert len(choose(runs, [], slots=15)) == 14
    assert len(choose(runs, [], slots=16)) == 14


def test_who_gave_everything_back_has_none() -> None:
    held = Held.by([Running(2, API)] * 11)
    assert not held.may_begin(API, 2, slots=16)
    assert held.may_begin(API, 1, slots=16)

    for runs in (1, 1, -1, -1):
        held.take(API, 1, runs=runs)
    assert held.may_begin(API, 1, slots=16)


def test_what_is_kept_in_a_class_is_not_for_those_behind_it() -> None:
    held = [Running(number, API) for number in range(11)]
    runs = [wait(20, 600, BATCH), wait(20, 500, BATCH), wait(21, 1, API)]

    assert users(choose(arrange(runs, held), [*held, Running(20, BATCH)], slots=17)) == [21]


def test_a_person_at_their_limit_waits_and_nobody_waits_for_them() -> None:
    runs = [wait(1, 9, API), wait(1, 8, BATCH), wait(1, 7, INTERACTIVE), wait(2, 1, API)]
    held = [Running(1, API)]

    chosen = choose(arrange(runs, held), held, slots=32, limits={1: 1})
    assert [(run.user_id, run.job_class) for run in chosen] == [(1, INTERACTIVE), (2, API)]


def test_a_limit_counts_what_goes_through_the_api_and_stops_nobody_behind() -> None:
    held = [Running(1, INTERACTIVE), Running(1, API)]
    runs = [wait(1, 600, API), wait(1, 500, BATCH), wait(1, 400, API), wait(2, 1, API)]

    def chosen(limit: int) -> list[int]:
        return users(choose(runs, held, slots=32, limits={1: limit}))

    assert [chosen(limit) for limit in (1, 2, 3)] == [[2], [1, 2], [1, 1, 2]]


def test_one_slot_is_open_to_every_class() -> None:
    assert [Held().may_begin(job_class, 1, slots=1) for job_class in SHARES] == [True] * 3


RUNS = st.lists(
    st.builds(
        wait,
        st.integers(1, 4),
        st.floats(0, 600),
        st.sampled_from(list(JobClass)),
        st.floats(0.1, 100),
    ),
    max_size=40,
)


@given(runs=RUNS, slots=st.integers(1, 12))
def test_every_run_has_one_place_and_one_start(runs: list[Waiting], slots: int) -> None:
    arranged = arrange(runs, [])
    starts = foretell(arranged, [], slots=slots)

    assert sorted(run.id for run in arranged) == sorted(run.id for run in runs)
    assert set(starts) == {run.id for run in runs}
    for who in {(run.job_class, run.user_id) for run in runs}:
        own = [starts[run.id] for run in arranged if (run.job_class, run.user_id) == who]
        assert own == sorted(own)


def test_starts_follow_the_ends_of_those_that_run() -> None:
    runs = [wait(user, 1, INTERACTIVE, seconds=10) for user in (1, 2, 3)]
    running = [Running(9, INTERACTIVE, 4.0), Running(9, INTERACTIVE, 6.0)]

    starts = foretell(runs, running, slots=2)

    assert [starts[run.id] for run in runs] == [4.0, 6.0, 14.0]


def serve(
    durations: dict[UUID, float], order: list[UUID], ends: list[float], slots: int
) -> dict[UUID, float]:
    """When each run really began, with one queue and runs of their true durations."""
    free = [0.0] * (slots - len(ends)) + ends
    heapq.heapify(free)
    begun = {}
    for run in order:
        begun[run] = heapq.heappop(free)
        heapq.heappush(free, begun[run] + durations[run])
    return begun


@pytest.mark.parametrize("seed", range(20))
def test_estimates_are_right_within_a_factor_of_two(seed: int) -> None:
    """Runs end early at random; only their mean duration is known."""
    chance = random.Random(seed)
    slots, mean = 8, 30.0

    def draw() -> float:
        return mean * chance.choice([0.4, 0.8, 1.0, 1.2, 1.6])

    runs = [wait(number, 1, INTERACTIVE, seconds=mean) for number in range(40)]
    elapsed = [chance.uniform(0, mean) for _ in range(slots)]
    running = [
        Running(100 + n, INTERACTIVE, max(mean - e, mean * 0.1)) for n, e in enumerate(elapsed)
    ]
    ends = [max(draw() - e, 0.5) for e in elapsed]
    order = [run.id for run in arrange(runs, running)]

    begun = serve({run.id: draw() for run in runs}, order, ends, slots)
    estimated = foretell(arrange(runs, running), running, slots=slots)

    # The first few wait a few seconds, which a mean cannot predict.
    ratios = [estimated[run] / begun[run] for run in order[slots:]]
    assert [ratio for ratio in ratios if not 0.5 <= ratio <= 2.0] == []
