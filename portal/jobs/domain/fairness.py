"""Whose run is next: classes, shares of a person within a class, and what that means in seconds.

Pure arithmetic over what the database says. Dispatch and the queue's page use the same order.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from portal.jobs.enums import JobClass

SHARES: Final[Mapping[JobClass, float]] = {
    JobClass.INTERACTIVE: 1.0,
    JobClass.API: 0.75,
    JobClass.BATCH: 0.5,
}
"""Of the engines' slots, what a class and those behind it may hold together: vLLM takes no slot
back from a running request, so some are kept free for who must not wait."""
AGEING_SECONDS: Final = 60.0
"""Waiting so long weighs as much as one run less under way."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that has not begun."""

    id: UUID
    user_id: int
    job_class: JobClass
    waited: float
    """Seconds since it was submitted."""
    seconds: float = 0.0
    """How long it is expected to run."""


@dataclass(frozen=True, slots=True)
class Running:
    """A run that holds a slot."""

    user_id: int
    job_class: JobClass
    remaining: float = 0.0
    """Seconds that it is expected to go on."""


def arrange(waiting: Iterable[Waiting], running: Iterable[Running]) -> list[Waiting]:
    """The order in which waiting runs begin.

    Classes one after another. Within a class the person with the fewest runs under way is next,
    and every minute of waiting counts as one run less, so that nobody waits for ever.
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


def may_begin(job_class: JobClass, held: Mapping[JobClass, int], *, slots: int) -> bool:
    """Whether one more run of the class fits beside those that are held."""
    classes = list(SHARES)
    return all(
        sum(held[behind] for behind in classes[place:]) < math.ceil(SHARES[each] * slots)
        for place, each in enumerate(classes[: classes.index(job_class) + 1])
    )


def choose(
    arranged: Iterable[Waiting],
    running: Iterable[Running],
    *,
    slots: int,
    limits: Mapping[int, int] | None = None,
) -> list[Waiting]:
    """Those of the arranged runs that may begin now.

    `limits` says how many runs a person may have under way through the API, batches included;
    who is not named there has no such limit.
    """
    running = list(running)
    taken, chosen = Counter(run.job_class for run in running), []
    own = Counter(run.user_id for run in running if run.job_class is not JobClass.INTERACTIVE)
    limits = limits or {}
    for run in arranged:
        is_limited = run.job_class is not JobClass.INTERACTIVE and run.user_id in limits
        if is_limited and own[run.user_id] >= limits[run.user_id]:
            continue
        if may_begin(run.job_class, taken, slots=slots):
            taken[run.job_class] += 1
            own[run.user_id] += is_limited
            chosen.append(run)
    return chosen


def foretell(
    arranged: Sequence[Waiting], running: Iterable[Running], *, slots: int
) -> dict[UUID, float]:
    """Seconds until each run begins, if every run takes as long as expected.

    Runs that would never get a slot are left out.
    """
    queues = {job_class: deque[Waiting]() for job_class in SHARES}
    for run in arranged:
        queues[run.job_class].append(run)
    ends = [(run.remaining, run.job_class) for run in running]
    heapq.heapify(ends)
    held = Counter(job_class for _, job_class in ends)
    starts: dict[UUID, float] = {}
    now = 0.0
    while any(queues.values()):
        job_class = next(
            (each for each in queues if queues[each] and may_begin(each, held, slots=slots)), None
        )
        if job_class is not None:
            run = queues[job_class].popleft()
            starts[run.id] = now
            held[job_class] += 1
            heapq.heappush(ends, (now + run.seconds, job_class))
        elif ends:
            now, ended = heapq.heappop(ends)
            held[ended] -= 1
        else:
            break
    return starts
