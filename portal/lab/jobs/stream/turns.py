"""News of a job, turn by turn: stream entries, its place, or that it has ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

import structlog

from portal.lab.jobs.domain.queue import Place
from portal.lab.jobs.domain.workers import EngineStatus
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.board import Watch, current_board
from portal.lab.jobs.stream.reader import BROKER_ERRORS, current_reader
from portal.lab.jobs.stream.subscription import FIRST_ID, Entry, Subscription, order

WAIT_SECONDS: Final = 0.5
FINAL_TICKS: Final = 2

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Silence:
    """A run under way has got no event for so long, and this is its engine's state."""

    seconds: int
    engine: EngineStatus


@dataclass(frozen=True, slots=True)
class Turn:
    """`place` and `silence` are set once for each look at the queue and the engine.

    `is_over`: read the rest from the row.
    """

    entries: list[Entry]
    place: Place | None
    silence: Silence | None
    is_over: bool


async def take_turns(job: GenerationJob, *, after: str) -> AsyncGenerator[Turn, None]:
    """Turns of a job that has not ended, after the entry id `after`, twice a second or more often.

    The reader stops at the terminal event or at a turn with `is_over`. Holds no database
    connection.
    """
    async with (
        current_reader().subscribe(job.pk, after=after) as subscription,
        current_board().watch(job.pk, deployment=job.deployment) as watch,
    ):
        told_tick, heard_at = 0, 0.0
        if after != FIRST_ID:
            watch.quiet_since = time.monotonic() - _measure_age(after)
        while True:
            entries = await _take(subscription)
            if entries:
                heard_at = time.monotonic()
                watch.quiet_since = heard_at - _measure_age(entries[-1][0])
            place = _find_place(watch, told_tick=told_tick, heard_at=heard_at)
            if place is not None:
                watch.quiet_since = None
            silence = _find_silence(watch, told_tick=told_tick, heard_at=heard_at)
            if place is not None or silence is not None:
                told_tick = watch.ticks
            yield Turn(entries, place, silence, is_over=watch.final_ticks >= FINAL_TICKS)


def _find_place(watch: Watch, *, told_tick: int, heard_at: float) -> Place | None:
    """The job's place, unless it was sent already or is older than the last entries."""
    is_news = watch.ticks != told_tick and watch.asked_at >= heard_at
    return watch.place if is_news else None


def _find_silence(watch: Watch, *, told_tick: int, heard_at: float) -> Silence | None:
    """How long the run has been silent, unless it was said already or something has come since."""
    is_news = watch.ticks != told_tick and watch.asked_at >= heard_at
    if not is_news or watch.engine is None or watch.quiet_since is None:
        return None
    return Silence(int(watch.quiet_seconds), watch.engine)


def _measure_age(entry_id: str) -> float:
    """Seconds since the broker took the entry."""
    milliseconds, _ = order(entry_id)
    return max(0.0, time.time() - milliseconds / 1000)


async def _take(subscription: Subscription) -> list[Entry]:
    try:
        return await subscription.take(seconds=WAIT_SECONDS)
    except BROKER_ERRORS as error:
        log.warning("stream_replay_failed", error=type(error).__name__)
        await asyncio.sleep(WAIT_SECONDS)
        return []
