from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.gate.access.domain.workflow.working_days import Pace, add_working_days, judge_pace

FRIDAY = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (FRIDAY, 0, FRIDAY),
        (FRIDAY, 1, FRIDAY + timedelta(days=3)),
        (FRIDAY, 5, FRIDAY + timedelta(days=7)),
        (FRIDAY + timedelta(days=1), 1, FRIDAY + timedelta(days=3)),
        (FRIDAY - timedelta(days=4), 5, FRIDAY + timedelta(days=3)),
    ],
)
def test_weekends_do_not_count(start: datetime, days: int, end: datetime) -> None:
    assert add_working_days(start, days) == end


@pytest.mark.parametrize(
    ("after", "pace"),
    [
        (timedelta(days=6), Pace.ON_TIME),
        (timedelta(days=6, seconds=1), Pace.DUE),
        (timedelta(days=7), Pace.DUE),
        (timedelta(days=7, seconds=1), Pace.OVERDUE),
    ],
)
def test_pace_turns_on_the_last_promised_day_and_after_it(after: timedelta, pace: Pace) -> None:
    assert judge_pace(FRIDAY, review_days=5, at=FRIDAY + after) == pace
