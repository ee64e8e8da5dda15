"""Which request kills the engine: innocent ones go on, and the guilty one is found.

When an engine dies, its young requests are suspects: those that have not made enough tokens since
they began there. The others go on at once, but have to make twice as many tokens before they count
as harmless again, so that one that kills late is among the suspects of the next death. Suspects
begin again a few at a time, and twice as many whenever one of them shows by its tokens that it is
harmless. Those that were unproven when it died once more are tried each alone, and nothing else
begins meanwhile: the one of which the engine dies then is guilty.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inference_workers.job import RunningJob

FIRST_TRIAL = 8
"""Suspects that begin together: on a busy engine each round costs its readers seconds."""
LATE_PROOF = 2
"""Times the tokens that a request had made when the engine died, until it is proved again."""
GUILTY_DEATHS = 2
MOST_DEATHS = 6
"""A bound for what cannot be judged, such as an engine that dies of everything."""


class CrashAttribution:
    """The requests that are with the engine, as far as it may die of them."""

    def __init__(self) -> None:
        self._running: dict[RunningJob, int] = {}
        """Each job with the engine, and the tokens it had when it began there."""
        self._trial_size = FIRST_TRIAL
        self._accused: frozenset[RunningJob] | None = None
        """Those unproven when the engine died; None until it dies."""
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def attempt(self, job: RunningJob) -> AsyncIterator[None]:
        """Wait for the job's turn, and count it among those with the engine."""
        while not self._may_begin(job):
            self._changed.clear()
            await self._changed.wait()
        self._accused = None
        self._running[job] = len(job.token_ids)
        try:
            yield
        finally:
            self._leave(job)

    def observe(self, job: RunningJob) -> None:
        """The job has new tokens; a suspect that has enough of them makes room for more."""
        began = self._running.get(job)
        if began is None or not job.engine_deaths or not _proved(job, began):
            return
        job.engine_deaths = 0
        self._trial_size *= 2
        self._changed.set()

    def accuse(self, job: RunningJob) -> bool:
        """The engine broke off the job's request; True if it is not to be tried again.

        Call it inside `attempt`: requests that broke off together are judged together.
        """
        if self._accused is None:
            unproven = [each for each, began in self._running.items() if not _proved(each, began)]
            self._accused = frozenset(unproven)
            self._trial_size = FIRST_TRIAL
        began = self._running[job]
        if _proved(job, began):
            # Each proof is twice the one before: a late killer runs out of tokens or is found.
            job.proof_tokens = LATE_PROOF * _made(job, began)
            return False
        job.engine_deaths += 1
        is_guilty = job.engine_deaths >= GUILTY_DEATHS and self._accused == {job}
        return is_guilty or job.engine_deaths >= MOST_DEATHS

    def _may_begin(self, job: RunningJob) -> bool:
        trial = self._on_trial()
        if any(each.engine_deaths >= GUILTY_DEATHS for each in trial):
            return False
        if job.engine_deaths >= GUILTY_DEATHS:
            return not trial
        return not job.engine_deaths or len(trial) < self._trial_size

    def _on_trial(self) -> list[RunningJob]:
        return [job for job in self._running if job.engine_deaths]

    def _leave(self, job: RunningJob) -> None:
        if self._running.pop(job, None) is not None:
            self._changed.set()


def _made(job: RunningJob, began: int) -> int:
    return len(job.token_ids) - began


def _proved(job: RunningJob, began: int) -> bool:
    return _made(job, began) >= job.proof_tokens
