"""When beat wakes up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery
from celery.schedules import schedule

from portal.config.beat import PatientScheduler

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def read_clock() -> datetime:
    """It stands still. The scheduler's file contains its name."""
    return NOW


@pytest.fixture
def app() -> Celery:
    app = Celery("beat", broker="memory://")
    app.conf.beat_schedule = {
        "tend": {"task": "tend", "schedule": schedule(60.0, nowfun=read_clock, app=app)}
    }
    return app


def start(app: Celery, folder: Path, *, last_run_at: datetime) -> PatientScheduler:
    scheduler = PatientScheduler(app, schedule_filename=str(folder / "schedule"), lazy=True)
    scheduler.setup_schedule()
    scheduler.schedule["tend"].last_run_at = last_run_at
    return scheduler


@pytest.mark.parametrize("left", [0.005, 0.010, 3.0])
def test_beat_sleeps_until_an_entry_is_due(app: Celery, tmp_path: Path, left: float) -> None:
    scheduler = start(app, tmp_path, last_run_at=NOW - timedelta(seconds=60 - left))
    assert scheduler.tick() == pytest.approx(left, abs=1e-6)
    assert scheduler.schedule["tend"].total_run_count == 0
    scheduler.close()


def test_an_entry_that_is_due_runs_at_once(app: Celery, tmp_path: Path) -> None:
    scheduler = start(app, tmp_path, last_run_at=NOW - timedelta(seconds=60))
    assert scheduler.tick() == 0
    assert scheduler.schedule["tend"].total_run_count == 1
    scheduler.close()
