"""How long a person waits for a first token, alone and beside another's batch: one table.

    python -m benchmarks.fairness [--rows N] [--runs N] [--slots N] [--real]

Two keys share one engine, the stand-in or with `--real` vLLM. A measurement is not a test: it
prints whether the target was reached and exits with status 0.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from openai import OpenAI
from openai.types import Batch

from benchmarks.keys import MODEL, issue_keys
from benchmarks.machine import describe_machine
from benchmarks.openai_readers import Address, OpenAIReaders
from benchmarks.portal_readers import PortalReaders
from benchmarks.run import Run
from benchmarks.stack import Shape, Stack, running_stack
from demo.terminal import one_line_errors, say
from tests.factories.batch_lines import write_jsonl, write_request

TARGET = 2.0
"""Maximum ratio to the idle value."""
RATE = 50.0
ROW_TOKENS = 32
RUN_TOKENS = 16
FLOWING_ROWS = 10
"""Completed rows after which the batch counts as running."""
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Waits:
    """Seconds to the first token of one class's runs, in the order of the runs."""

    idle: Sequence[float]
    busy: Sequence[float]

    @property
    def ratio(self) -> float:
        """The ratio of the medians, busy to idle."""
        return statistics.median(self.busy) / statistics.median(self.idle)


@dataclass(frozen=True)
class Outcome:
    """One measurement: the waits by class, and the batch's progress at the same time."""

    api: Waits
    playground: Waits
    rows: int
    rows_before: int
    rows_after: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        return (self.rows_after - self.rows_before) / self.seconds


def main(words: Sequence[str] | None = None) -> None:
    options = build_parser().parse_args(words)
    shape = Shape(people=3, slots=options.slots, rate=None if options.real else RATE)
    with one_line_errors(), running_stack(shape) as stack:
        outcome = measure(stack, rows=options.rows, runs=options.runs)
    engine = "vLLM" if options.real else f"stand-in engine, {RATE:g} tokens/s per stream"
    say(f"\n{describe_machine()}. {engine}, {options.slots} slots.\n\n{render(outcome)}")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness")
    parser.add_argument("--rows", type=int, default=2000, help="requests of the batch")
    parser.add_argument("--runs", type=int, default=30, help="runs of each class and phase")
    parser.add_argument("--slots", type=int, default=16, help="simultaneous requests of the engine")
    parser.add_argument("--real", action="store_true", help="vLLM instead of the stand-in engine")
    return parser


def measure(stack: Stack, *, rows: int, runs: int) -> Outcome:
    """Measure first alone, then beside the batch, on the same stack."""
    person, other = issue_keys(stack, 2)
    port = urlsplit(stack.url).port or 80
    api = OpenAIReaders(Address(port=port), model=MODEL, key=person)
    pages = PortalReaders(stack.url)
    reads: tuple[Callable[[], Awaitable[Run]], ...] = (
        lambda: api.run(max_tokens=RUN_TOKENS),
        # The last person's session, since the first two have the keys.
        lambda: pages.run(stack.sessions[-1], max_tokens=RUN_TOKENS),
    )
    for read in reads:
        _wait_for_first_tokens(read, 3)
    idle = [_wait_for_first_tokens(read, runs) for read in reads]
    with closing(OpenAI(api_key=other, base_url=f"{stack.url}/v1")) as client:
        batch = _start_batch(client, rows=rows)
        before, began = _count(_wait_until_flowing(client, batch)), time.monotonic()
        busy = [_wait_for_first_tokens(read, runs) for read in reads]
        seconds, after = time.monotonic() - began, client.batches.retrieve(batch.id)
        if after.status != "in_progress":
            raise SystemExit(f"the batch was {after.status} before the runs: use more --rows")
        client.batches.cancel(batch.id)
    return Outcome(
        api=Waits(idle[0], busy[0]),
        playground=Waits(idle[1], busy[1]),
        rows=rows,
        rows_before=before,
        rows_after=_count(after),
        seconds=seconds,
    )


def render(outcome: Outcome) -> str:
    """The table, with the verdict on the target."""
    lines = [
        "| first token, ms (p50 / p95) | alone | beside the batch | ratio of p50 | target |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, waits in (("key, class API", outcome.api), ("playground", outcome.playground)):
        verdict = "reached" if waits.ratio <= TARGET else "not reached"
        lines.append(
            f"| {name} | {_quantiles(waits.idle)} | {_quantiles(waits.busy)} |"
            f" {waits.ratio:.2f} | ≤ {TARGET:g}: {verdict} |"
        )
    lines.append("")
    lines.append(
        f"The batch of {outcome.rows:,} rows continued: {outcome.rows_per_second:.1f}"
        f" rows/s, from {outcome.rows_before:,} to {outcome.rows_after:,}."
    )
    return "\n".join(lines)


def _wait_for_first_tokens(read: Callable[[], Awaitable[Run]], runs: int) -> list[float]:
    async def one_after_another() -> list[float]:
        waits = []
        for _ in range(runs):
            run = await read()
            if run.end != "done":
                raise SystemExit(f"a run failed: {run.error or run.end}")
            waits.append(run.first_at - run.submitted_at)
        return waits

    return asyncio.run(one_after_another())


def _start_batch(client: OpenAI, *, rows: int) -> Batch:
    requests = [
        write_request(f"row-{number}", model=MODEL, max_tokens=ROW_TOKENS, ignore_eos=True)
        for number in range(rows)
    ]
    file = client.files.create(file=("rows.jsonl", write_jsonl(*requests)), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/completions", completion_window="24h"
    )


def _wait_until_flowing(client: OpenAI, batch: Batch) -> Batch:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while _count(batch) < FLOWING_ROWS:
        if time.monotonic() > give_up_at:
            raise SystemExit(f"the batch does not start: {batch.status}")
        time.sleep(0.2)
        batch = client.batches.retrieve(batch.id)
    return batch


def _count(batch: Batch) -> int:
    return batch.request_counts.completed if batch.request_counts else 0


def _quantiles(waits: Sequence[float]) -> str:
    p95 = statistics.quantiles(waits, n=20, method="inclusive")[-1]
    return f"{statistics.median(waits) * 1000:.0f} / {p95 * 1000:.0f}"


if __name__ == "__main__":
    main()
