"""Runs, entries and metrics of a logbook for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import factory
import numpy as np

from portal.library.logbook.domain.loading import record_series
from portal.library.logbook.enums import Audience, EntryKind
from portal.library.logbook.models import Entry, Run, Series
from tests.factories.catalog import ReleaseFactory

START = datetime(2026, 3, 1, tzinfo=UTC)
TOKENS_A_STEP = 1_000
SECONDS_A_STEP = 10


class RunFactory(factory.django.DjangoModelFactory[Run]):
    """A run without a parent, open to everyone."""

    class Meta:
        model = Run

    release = factory.SubFactory(ReleaseFactory)
    slug = factory.Sequence(lambda n: f"run-{n}")
    name = factory.Sequence(lambda n: f"Run {n}")
    authors = ["Ada Byron"]
    audience = Audience.EVERYONE
    started_at = START
    version = "ab" * 32
    metrics_sha256 = "cd" * 32


class EntryFactory(factory.django.DjangoModelFactory[Entry]):
    """A note at a step, at the moment when `make_series` reaches it; `step=None` for none."""

    class Meta:
        model = Entry

    run = factory.SubFactory(RunFactory)
    slug = factory.Sequence(lambda n: f"entry-{n}")
    title = factory.Sequence(lambda n: f"Entry {n}")
    kind = EntryKind.NOTE
    body = "Something happened."
    step = 0
    at = factory.LazyAttribute(lambda entry: moment(entry.step or 0))
    is_day = False


def moment(step: int) -> datetime:
    return START + timedelta(seconds=SECONDS_A_STEP * step)


def make_series(
    run: Run, name: str, values: Sequence[float], *, first_step: int = 0, has_tokens: bool = True
) -> Series:
    """A value at every step, each with 1,000 more tokens and 10 seconds later."""
    steps = np.arange(first_step, first_step + len(values), dtype=float)
    times = START.timestamp() * 1e6 + steps * SECONDS_A_STEP * 1e6
    tokens = steps * TOKENS_A_STEP if has_tokens else steps * 0
    points = np.column_stack([steps, tokens, times, np.asarray(values, dtype=float)])
    return record_series(run, name, points, unit="nats", has_tokens=has_tokens, has_time=True)
