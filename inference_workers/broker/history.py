"""Read back what is already in a job's stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from redis.asyncio import Redis

from inference_workers.contract import (
    EVENT,
    Cancelled,
    Delta,
    Done,
    Event,
    Failed,
    Row,
    Scored,
    Snapshot,
    Started,
    TerminalEvent,
    TokenLogprobs,
    cancel_key,
    engine_deaths_key,
    proof_tokens_key,
    stream_key,
)
from inference_workers.job import PROOF_TOKENS


@dataclass(frozen=True, slots=True)
class History:
    """A job's completion as its readers have it."""

    text: str = ""
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprobs, ...] = ()
    scored: Scored | None = None
    rows: Mapping[int, Row] = field(default_factory=dict)
    started: Started | None = None
    end: TerminalEvent | None = None
    last_entry_id: str = ""
    is_whole: bool = True
    """False if there is a gap between deltas; text and ids then end before the gap."""


@dataclass(frozen=True, slots=True)
class Past:
    """What happened to a job before this worker took it."""

    history: History
    cancelled: str | None
    """The reason, if its cancellation was requested."""
    engine_deaths: int
    proof_tokens: int
    """As `suspects` counts them."""


def fold(entries: list[tuple[str, Event]]) -> History:
    """The state that a reader has after these entries, in order."""
    text: list[str] = []
    token_ids: list[int] = []
    logprobs: list[TokenLogprobs] = []
    scored: Scored | None = None
    rows: dict[int, Row] = {}
    started: Started | None = None
    end: TerminalEvent | None = None
    is_whole = True
    for _, event in entries:
        match event:
            case Snapshot():
                text, token_ids, is_whole = [event.text], list(event.token_ids), True
                logprobs = list(event.logprobs)
                scored = event.scored or scored
                rows.update({row.position: row for row in event.rows})
            case Delta() if event.offset != len(token_ids):
                is_whole = False
            case Delta() if is_whole:
                text.append(event.text)
                token_ids.extend(event.token_ids)
                logprobs.extend(event.logprobs)
            case Scored():
                scored = event
            case Row():
                rows[event.position] = event
            case Started():
                started = event
            case Done() | Failed() | Cancelled():
                end = event
    return History(
        text="".join(text),
        token_ids=tuple(token_ids),
        logprobs=tuple(logprobs),
        scored=scored,
        rows=rows,
        started=started,
        end=end,
        last_entry_id=entries[-1][0] if entries else "",
        is_whole=is_whole,
    )


async def read_history(redis: Redis, job_id: UUID) -> History:
    """The job's stream as it is now; empty if there is none."""
    return fold(await read_entries(redis, job_id, after=""))


async def read_past(redis: Redis, job_id: UUID) -> Past:
    """Everything the broker knows about a job, in one round trip."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.xrange(stream_key(job_id))
    pipeline.get(cancel_key(job_id))
    pipeline.mget(engine_deaths_key(job_id), proof_tokens_key(job_id))
    raw, cancelled, (deaths, proof) = await pipeline.execute()
    return Past(
        history=fold(_decode(raw)),
        cancelled=cancelled,
        engine_deaths=int(deaths or 0),
        proof_tokens=int(proof or PROOF_TOKENS),
    )


async def read_entries(redis: Redis, job_id: UUID, *, after: str) -> list[tuple[str, Event]]:
    """The stream's entries after the entry id `after`, or all of them."""
    return _decode(await redis.xrange(stream_key(job_id), min=f"({after}" if after else "-"))


def _decode(raw: list[tuple[str, dict[str, str]]]) -> list[tuple[str, Event]]:
    return [(entry_id, EVENT.validate_json(fields["e"])) for entry_id, fields in raw]
