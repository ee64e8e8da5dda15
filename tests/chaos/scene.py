"""Many running streams, one fault in the middle, and the result of every run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.portal_readers import PortalReaders, Run
from benchmarks.stack import Stack

RAMP_PER_SECOND = 25
RECORD_SECONDS = 60


@dataclass(frozen=True)
class Verdict:
    """What one fault did to the runs in progress."""

    fault: str
    runs: int
    lost: int
    """Runs that did not finish, or whose record does not say so exactly once."""
    duplicates: int
    """Gaps, repetitions and changed text, as seen by readers."""
    different: int
    """Runs whose tokens are not those of the undisturbed run, for the reader or in the record."""
    longest_pause: float
    """Seconds without a token for the reader who waited longest."""

    @property
    def line(self) -> str:
        return (
            f"{self.fault:<34} {self.runs:>5} runs  {self.lost} lost  {self.duplicates} duplicates"
            f"  {self.different} different  longest pause {self.longest_pause:4.1f} s"
        )


async def strike(
    stack: Stack,
    fault: Callable[[Stack], None],
    *,
    name: str,
    prompt: str,
    streams: int,
    tokens: int,
    undisturbed: Run,
) -> Verdict:
    """Start the streams, strike when all of them flow, and wait for every end."""
    readers = PortalReaders(stack.url)

    async def read(index: int) -> Run:
        await asyncio.sleep(index / RAMP_PER_SECOND)
        session = stack.sessions[index % len(stack.sessions)]
        return await readers.run(session, max_tokens=tokens, prompt=prompt)

    runs = [asyncio.create_task(read(index)) for index in range(streams)]
    while readers.streaming < streams:
        assert not any(run.done() for run in runs), "a run ended before all were under way"
        await asyncio.sleep(0.05)
    await asyncio.to_thread(fault, stack)
    looking = asyncio.create_task(_look_after(stack))
    done = await asyncio.gather(*runs)
    looking.cancel()
    await asyncio.to_thread(_wait_for_records, stack, [run.id for run in done])
    records = {
        str(row[0]): row[1:]
        for row in stack.query(
            "SELECT j.id, j.state, j.token_ids, count(a.id) FROM jobs_generationjob j"
            " LEFT JOIN audit_auditevent a ON a.subject = 'job:' || j.id::text"
            " AND a.tag = 'jobs.job.finished' WHERE j.id = ANY(%s) GROUP BY j.id",
            [run.id for run in done],
        )
    }
    return Verdict(
        fault=name,
        runs=len(done),
        lost=sum(
            run.end != "done" or records[run.id][0] != "succeeded" or records[run.id][2] != 1
            for run in done
        ),
        duplicates=sum(run.faults for run in done),
        different=sum(
            (run.text, run.token_ids) != (undisturbed.text, undisturbed.token_ids)
            or records[run.id][1] != undisturbed.token_ids
            for run in done
        ),
        longest_pause=max(run.longest_silence for run in done),
    )


async def _look_after(stack: Stack) -> None:
    """Restart dead programs, as the demo's supervisor does."""
    while True:
        stack.supervisor.look()
        await asyncio.sleep(0.2)


def _wait_for_records(stack: Stack, ids: list[str]) -> None:
    """A reader may see the end before it is in the record."""
    give_up_at = time.monotonic() + RECORD_SECONDS
    statement = (
        "SELECT count(*) FROM jobs_generationjob"
        " WHERE id = ANY(%s) AND state IN ('queued', 'running')"
    )
    while stack.query(statement, ids) != [(0,)] and time.monotonic() < give_up_at:
        time.sleep(0.2)


async def run_undisturbed(stack: Stack, *, prompt: str, tokens: int) -> Run:
    """The same run without a fault."""
    readers = PortalReaders(stack.url)
    run = await readers.run(stack.sessions[0], max_tokens=tokens, prompt=prompt)
    assert (run.end, len(run.token_ids)) == ("done", tokens)
    return run
