"""Finding the request that kills the engine, while the other requests continue.

When an engine dies, its young requests are suspects: those that have not made enough tokens since
they started there. The others continue immediately, but must make twice as many tokens before they
count as harmless again, so that a request that kills late is a suspect at the next death. Suspects
start again a few at a time, and the number doubles whenever one of them proves harmless by its
tokens. Suspects still unproven at another death are tried one at a time, and no other request
starts meanwhile. A request whose trial kills the engine is guilty.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inference_workers.job import RunningJob

FIRST_TRIAL = 8
"""Suspects that start together: on a busy engine, each round costs its readers seconds."""
LATE_PROOF = 2
"""Factor on the tokens made before the engine died, for the next proof of harmlessness."""
GUILTY_DEATHS = 2
MOST_DEATHS = 6
"""The limit if no request can be blamed, as with an engine that dies of any request."""


class CrashAttribution:
    """The requests at the engine, and which of them are suspected of killing it."""

    def __init__(self) -> None:
        self._running: dict[RunningJob, int] = {}
        """Each job at the engine, and the number of its tokens when it started there."""
        self._trial_size = FIRST_TRIAL
        self._accused: frozenset[RunningJob] | None = None
        """The jobs that were unproven when the engine died; None before its death."""
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def attempt(self, job: RunningJob) -> AsyncIterator[None]:
        """Wait for the job's turn, then count it among the jobs at the engine."""
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
        """Note new tokens of the job; a suspect that proves harmless lets more suspects start."""
        began = self._running.get(job)
        if began is None or not job.engine_deaths or not _proved(job, began):
            return
        job.engine_deaths = 0
        self._trial_size *= 2
        self._changed.set()

    def accuse(self, job: RunningJob) -> bool:
        """Note that the engine broke off the job's request; True if it must not be tried again.

        Call this inside `attempt`: requests that broke off together are judged together.
        """
        if self._accused is None:
            unproven = [each for each, began in self._running.items() if not _proved(each, began)]
            self._accused = frozenset(unproven)
            self._trial_size = FIRST_TRIAL
        began = self._running[job]
        if _proved(job, began):
            # Each proof needs twice as many tokens, so a late killer finishes or is found.
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
