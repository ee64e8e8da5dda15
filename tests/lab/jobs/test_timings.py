"""Percentiles of the last hour are those of PostgreSQL's interpolation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.lab.jobs.domain.timings import Percentiles, Timings, time_runs
from tests.factories.jobs import GenerationJobFactory

pytestmark = pytest.mark.django_db


def near(value: float) -> Any:
    return pytest.approx(value)


def test_waits_and_first_tokens_by_deployment() -> None:
    now = timezone.now()
    for waited, first_token_ms in ((1, 100), (2, 200), (3, 300)):
        GenerationJobFactory.create(
            succeeded=True,
            created_at=now - timedelta(seconds=60 + waited),
            started_at=now - timedelta(seconds=60),
            first_token_ms=first_token_ms,
        )
    # Sent again, so its row does not show how long it waited.
    GenerationJobFactory.create(
        succeeded=True, attempt=2, created_at=now - timedelta(minutes=9), first_token_ms=400
    )
    hours_ago = now - timedelta(hours=2)
    GenerationJobFactory.create(succeeded=True, finished_at=hours_ago, first_token_ms=9)
    GenerationJobFactory.create(running=True)
    GenerationJobFactory.create(model__deployment="other", cancelled=True, first_token_ms=None)

    timings = time_runs(at=now + timedelta(seconds=1))

    assert timings["smollm2-135m"] == Timings(
        runs=4,
        wait=Percentiles(near(2.0), near(2.9)),
        first_token=Percentiles(near(0.25), near(0.385)),
    )
    assert timings["other"].first_token == Percentiles(None, None)
    assert set(timings) == {"smollm2-135m", "other"}


def test_nothing_that_ran_has_no_timings() -> None:
    assert time_runs(at=timezone.now()) == {}
