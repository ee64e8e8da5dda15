"""The pages of a logbook with many entries and values, measured with Django's test client.

python -m benchmarks.logbook_pages [--entries N] [--values N] [--metrics N] [--rounds N]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from random import Random

import django
import numpy as np

django.setup()

from django.core.management import call_command  # noqa: E402 -- after the settings are read
from django.core.paginator import Paginator  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from benchmarks.table import render  # noqa: E402
from portal.gate.catalog.models import Release  # noqa: E402
from portal.library.logbook.domain.clock import read_clock  # noqa: E402
from portal.library.logbook.domain.entries import EntryFilter, add_excerpts, list_entries  # noqa: E402
from portal.library.logbook.domain.line import read_line  # noqa: E402
from portal.library.logbook.domain.loading import record_series  # noqa: E402
from portal.library.logbook.enums import Audience, Axis, EntryKind  # noqa: E402
from portal.library.logbook.models import Block, Entry, Run, Series  # noqa: E402
from portal.library.logbook.views.pages import PAGE_SIZE  # noqa: E402

TARGET_MS = 200.0
SEARCH_MS = 100.0
START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS_A_STEP = 3
TOKENS_A_STEP = 4_000_000
WORDS = ["loss", "spike", "host", "memory", "restart", "gradient", "clip", "batch", "node", "fan"]


def main() -> int:
    """Seed, measure and print one table; returns 1 if a median is above its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logbook")
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--values", type=int, default=10_000_000)
    parser.add_argument("--metrics", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    call_command("load_release", verbosity=0, stdout=StringIO())
    steps = options.values // options.metrics
    taken = seed(entries=options.entries, metrics=options.metrics, steps=steps)
    client = Client()
    rows = [
        measure(partial(get, client, path), name=name, target=TARGET_MS, rounds=options.rounds)
        for name, path in pages(steps).items()
    ]
    rows += [
        measure(partial(search, words), name=name, target=SEARCH_MS, rounds=options.rounds)
        for name, words in (("search, many hits", "memory gradient"), ("search, one", "number-77"))
    ]
    values = sum(Series.objects.values_list("count", flat=True))
    print(f"{Entry.objects.count():,} entries, {values:,} values of {options.metrics} metrics")
    print(f"in {Block.objects.count():,} blocks, {read_size()}, stored in {taken:.0f} s\n")
    header = ("page", "median, ms", "fastest, ms", "CPU, ms", "queries", "size, KB", "target, ms")
    print(render(header, [row[:-1] for row in rows]))
    return 1 if any(row[-1] == "over" for row in rows) else 0


def pages(steps: int) -> dict[str, str]:
    """The whole run, and parts of it over each axis."""
    run, half = "/logbook/large/", steps // 2
    tenth, hundredth = half + steps // 10, half + steps // 100
    moment = (START + timedelta(seconds=SECONDS_A_STEP * half)).isoformat().replace("+00:00", "Z")
    return {
        "whole run": run,
        "whole run over time": f"{run}?x=time",
        "its curves": f"{run}curves.json",
        "half of it": f"{run}?start={half}",
        "half of it by tokens": f"{run}?x=tokens&start={half * TOKENS_A_STEP}",
        "half of it by time": f"{run}?x=time&start={moment}",
        "a tenth": f"{run}?start={half}&end={tenth}",
        "a hundredth": f"{run}?start={half}&end={hundredth}",
        "curves of a tenth": f"{run}curves.json?start={half}&end={tenth}",
        "last page of entries": f"{run}?page=last",
        "entries of one kind": f"{run}?kind=spike",
        "search on the page": f"{run}?words=memory+gradient",
        "feed": f"{run}feed.atom",
    }


def measure(work: Callable[[], int], *, name: str, target: float, rounds: int) -> tuple[str, ...]:
    """Milliseconds of the work, and of this process's CPU in it, after one warm-up round."""
    with CaptureQueriesContext(connection) as queries:
        size = work()
    asked = len(queries)  # The next round empties the log.
    taken, cpu = [], []
    for _ in range(rounds):
        began, began_cpu = time.perf_counter(), time.process_time()
        work()
        cpu.append((time.process_time() - began_cpu) * 1000)
        taken.append((time.perf_counter() - began) * 1000)
    median = statistics.median(taken)
    times = f"{median:.0f}", f"{min(taken):.0f}", f"{statistics.median(cpu):.0f}"
    verdict = "over" if median > target else "kept"
    return name, *times, str(asked), f"{size / 1024:.0f}", f"{target:.0f}", verdict


def get(client: Client, path: str) -> int:
    """The bytes of a page."""
    response = client.get(path)
    if response.status_code != 200:
        raise SystemExit(f"{path} returned status {response.status_code}")
    return len(response.content)


def search(words: str) -> int:
    """The characters of the first page of hits, with excerpts, and the number of hits."""
    line = read_line(Run.objects.get(slug="large"))
    wanted = EntryFilter(Axis.STEP, words=words)
    entries = add_excerpts(list_entries(line, wanted, read_clock(line)), wanted)
    page = Paginator(entries, PAGE_SIZE).get_page(1)
    return sum(len(entry.body) for entry in page)


def read_size() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_size_pretty(pg_total_relation_size(%s))",
            [Block._meta.db_table],  # noqa: SLF001
        )
        size: str = cursor.fetchone()[0]
    return size


def seed(*, entries: int, metrics: int, steps: int) -> float:
    """One run with noisy curves, rare spikes and entries; returns the seconds that values took."""
    chance = Random(1843)
    run = Run.objects.create(
        release=Release.objects.order_by("pk")[0],
        slug="large",
        name="A large run",
        authors=["The benchmark"],
        audience=Audience.EVERYONE,
        started_at=START,
        version="0" * 64,
        metrics_sha256="0" * 64,
    )
    Entry.objects.bulk_create(
        (_build_entry(run, number, chance, steps) for number in range(entries)), batch_size=1000
    )
    began = time.perf_counter()
    places = np.arange(steps, dtype=float)
    times = (START.timestamp() + places * SECONDS_A_STEP) * 1e6
    noise = np.random.default_rng(1843)
    for number in range(metrics):
        values = 11 / (1 + places / 5000) ** 0.1 + noise.normal(0, 0.05, steps)
        values[noise.integers(0, steps, 20)] += 8
        points = np.column_stack([places, places * TOKENS_A_STEP, times, values])
        record_series(run, f"metric {number}", points, has_tokens=True, has_time=True)
    taken = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return taken


def _build_entry(run: Run, number: int, chance: Random, steps: int) -> Entry:
    step = chance.randrange(steps)
    return Entry(
        run=run,
        slug=f"entry-{number}",
        kind=chance.choice(EntryKind.values),
        title=f"Entry number-{number}",
        body=" ".join(chance.choices(WORDS, k=60)),
        at=START + timedelta(seconds=SECONDS_A_STEP * step),
        is_day=False,
        step=step if number % 4 else None,
        source="A note",
    )


if __name__ == "__main__":
    raise SystemExit(main())
