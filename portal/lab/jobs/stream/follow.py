"""A job's events as they arrive, for responses that are assembled on the server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from uuid import UUID

from inference_workers.contract import (
    EVENT,
    Cancelled,
    CancelReason,
    Done,
    Event,
    Failed,
    Snapshot,
)
from portal.lab.jobs.domain.lifecycle import rebuild_end
from portal.lab.jobs.domain.queue import Place
from portal.lab.jobs.domain.results import completion_of_row
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.subscription import FIRST_ID
from portal.lab.jobs.stream.turns import take_turns
from portal.platform.core.database import read_database


async def follow_job(job: GenerationJob) -> AsyncGenerator[Event | Place, None]:
    """Every event from the first to the terminal one, and the job's place while it waits.

    From the stream while it exists, otherwise from the row. Holds no database connection.
    """
    if not job.is_active:
        for event in await _read_row(job.pk):
            yield event
        return
    async with aclosing(take_turns(job, after=FIRST_ID)) as turns:
        async for turn in turns:
            for _, raw in turn.entries:
                event = EVENT.validate_json(raw)
                yield event
                if isinstance(event, Done | Failed | Cancelled):
                    return
            if turn.is_over:
                for event in await _read_row(job.pk):
                    yield event
                return
            if turn.place is not None:
                yield turn.place


async def _read_row(job_id: UUID) -> list[Event]:
    return await read_database(lambda: list(events_of_row(job_id)))


def events_of_row(job_id: UUID) -> Iterator[Event]:
    """A finished job's events, as far as its row has them; an erased job counts as stopped."""
    job = GenerationJob.objects.filter(pk=job_id, erased_at__isnull=True).first()
    if job is None or job.is_active:
        yield Cancelled(reason=CancelReason.DELETED)
        return
    made = completion_of_row(job)
    if made.scored:
        yield made.scored
    yield Snapshot(text=made.text, token_ids=tuple(made.token_ids), logprobs=tuple(made.logprobs))
    yield rebuild_end(job)
