"""The order of runs: classes, shares of a person within a class, and waiting times in seconds.

Pure arithmetic on values from the database. Dispatch and the queue's page use the same order.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from portal.lab.jobs.enums import JobClass

SHARES: Final[Mapping[JobClass, float]] = {
    JobClass.INTERACTIVE: 1.0,
    JobClass.API: 0.75,
    JobClass.BATCH: 0.5,
}
"""The share of the engines' slots that a class and those after it may hold together: vLLM takes no
slot back from a running request, so some are kept free for interactive runs."""
NEWCOMERS: Final = 8
"""For the same reason, one in this many slots of a class is kept for people who have none."""
AGEING_SECONDS: Final = 60.0
"""Waiting this long counts as one run less under way."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that has not begun."""

    id: UUID
    user_id: int
    job_class: JobClass
    waited: float
    """Seconds since it was submitted."""
    seconds: float = 0.0
    """Expected duration of the run, in seconds."""


@dataclass(frozen=True, slots=True)
class Running:
    """A run that holds a slot."""

    user_id: int
    job_class: JobClass
    remaining: float = 0.0
    """Expected seconds until it ends."""


def arrange(waiting: Iterable[Waiting], running: Iterable[Running]) -> list[Waiting]:
    """The order in which waiting runs begin.

    Classes come one after another. Within a class the person with the fewest runs under way is
    next. Every minute of waiting counts as one run less, so that every run has its turn.
    """
    held = Counter((run.job_class, run.user_id) for run in running)
    by_class: dict[JobClass, list[Waiting]] = {job_class: [] for job_class in SHARES}
    for run in waiting:
        by_class[run.job_class].append(run)
    return [
        run for job_class, runs in by_class.items() for run in _arrange_class(runs, job_class, held)
    ]


def _arrange_class(
    runs: list[Waiting], job_class: JobClass, held: Mapping[tuple[JobClass, int], int]
) -> Iterator[Waiting]:
    own: dict[int, deque[Waiting]] = {}
    for run in sorted(runs, key=lambda run: -run.waited):
        own.setdefault(run.user_id, deque()).append(run)
    heads = [_rank(queue[0], held[job_class, user]) for user, queue in own.items()]
    heapq.heapify(heads)
    ahead: Counter[int] = Counter()
    while heads:
        user = heapq.heappop(heads)[2]
        yield own[user].popleft()
        ahead[user] += 1
        if own[user]:
            count = held[job_class, user] + ahead[user]
            heapq.heappush(heads, _rank(own[user][0], count))


def _rank(run: Waiting, count: int) -> tuple[float, float, int]:
    return count - run.waited / AGEING_SECONDS, -run.waited, run.user_id


@dataclass(slots=True)
class Held:
    """The slots that are taken, by class and by person within it."""

    by_class: Counter[JobClass] = field(default_factory=Counter)
    by_person: Counter[tuple[JobClass, int]] = field(default_factory=Counter)

    @classmethod
    def by(cls, running: Iterable[Running]) -> Held:
        """The slots that these runs hold."""
        held = cls()
        for run in running:
            held.take(run.job_class, run.user_id)
        return held

    def take(self, job_class: JobClass, user_id: int, *, runs: int = 1) -> None:
        """Take slots; a negative number returns them."""
        self.by_class[job_class] += runs
        self.by_person[job_class, user_id] += runs

    def may_begin(self, job_class: JobClass, user_id: int, *, slots: int) -> bool:
        """Whether one more run of the person fits into the class."""
        is_newcomer = not self.by_person[job_class, user_id]
        classes = list(SHARES)
        for place, each in enumerate(classes[: classes.index(job_class) + 1]):
            share = math.ceil(SHARES[each] * slots)
            kept = 0 if is_newcomer else share // NEWCOMERS
            if sum(self.by_class[behind] for behind in classes[place:]) >= share - kept:
                return False
        return True


def choose(
    arranged: Iterable[Waiting],
    running: Iterable[Running],
    *,
    slots: int,
    limits: Mapping[int, int] | None = None,
) -> list[Waiting]:
    """The arranged runs that may begin now.

    `limits` is the number of runs that a person may have under way through the API, including
    batches; other people have no such limit.
    """
    running = list(running)
    held, chosen = Held.by(running), []
    own = Counter(run.user_id for run in running if run.job_class is not JobClass.INTERACTIVE)
    limits = limits or {}
    for run in arranged:
        is_limited = run.job_class is not JobClass.INTERACTIVE and run.user_id in limits
        if is_limited and own[run.user_id] >= limits[run.user_id]:
            continue
        if held.may_begin(run.job_class, run.user_id, slots=slots):
            held.take(run.job_class, run.user_id)
            own[run.user_id] += is_limited
            chosen.append(run)
    return chosen


def foretell(
    arranged: Sequence[Waiting], running: Iterable[Running], *, slots: int
) -> dict[UUID, float]:
    """Seconds until each run begins, if every run takes as long as expected.

    Runs that would never get a slot are left out.
    """
    lines: _Lines = {job_class: {} for job_class in SHARES}
    for place, run in enumerate(arranged):
        lines[run.job_class].setdefault(run.user_id, deque()).append((place, run))
    running = list(running)
    ends = [(run.remaining, run.job_class, run.user_id) for run in running]
    heapq.heapify(ends)
    held = Held.by(running)
    starts: dict[UUID, float] = {}
    now = 0.0
    while any(lines.values()):
        following = _take_next(lines, held, slots=slots)
        if following is not None:
            starts[following.id] = now
            held.take(following.job_class, following.user_id)
            heapq.heappush(ends, (now + following.seconds, following.job_class, following.user_id))
        elif ends:
            now, job_class, user_id = heapq.heappop(ends)
            held.take(job_class, user_id, runs=-1)
        else:
            break
    return starts


_Lines = Mapping[JobClass, dict[int, deque[tuple[int, Waiting]]]]
"""The runs of each class and person with their places in the order, the next one first."""


def _take_next(lines: _Lines, held: Held, *, slots: int) -> Waiting | None:
    """Remove and return the next run that may begin; None if there is none."""
    for job_class, people in lines.items():
        able = [user for user in people if held.may_begin(job_class, user, slots=slots)]
        if able:
            user = min(able, key=lambda user: people[user][0][0])
            _, run = people[user].popleft()
            if not people[user]:
                del people[user]
            return run
    return None
