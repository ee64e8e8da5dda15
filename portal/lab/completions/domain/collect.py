"""Waits for the runs of a call and collects their completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from inference_workers.contract import Event
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.queue import Place
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.follow import follow_job

QUEUE = 1000


async def collect(jobs: Sequence[GenerationJob]) -> list[Completion]:
    """The completions of all jobs, in order; all have ended."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_complete(job)) for job in jobs]
    return [task.result() for task in tasks]


async def _complete(job: GenerationJob) -> Completion:
    completion = Completion()
    async with aclosing(follow_job(job)) as events:
        async for event in events:
            if not isinstance(event, Place):
                completion.add(event)
    return completion


async def merge(
    jobs: Sequence[GenerationJob], *, silence: float
) -> AsyncIterator[tuple[int, Event | Place] | None]:
    """The events of all jobs as they arrive, each with its job's place in the sequence.

    Yields None after `silence` seconds without an event. Ends when every job has ended.
    """
    queue: asyncio.Queue[tuple[int, Event | Place] | Exception | None] = asyncio.Queue(QUEUE)
    tasks = [asyncio.create_task(_pump(place, job, queue)) for place, job in enumerate(jobs)]
    left = len(tasks)
    try:
        while left:
            try:
                item = await asyncio.wait_for(queue.get(), timeout=silence)
            except TimeoutError:
                yield None
                continue
            if isinstance(item, Exception):
                raise item
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(
    place: int,
    job: GenerationJob,
    queue: asyncio.Queue[tuple[int, Event | Place] | Exception | None],
) -> None:
    try:
        async with aclosing(follow_job(job)) as events:
            async for event in events:
                await queue.put((place, event))
    except Exception as error:  # noqa: BLE001 -- raised again where the events are read
        await queue.put(error)
    else:
        await queue.put(None)
