"""How long an application takes, in working days."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

SATURDAY = 5


class Pace(StrEnum):
    """How the wait of an application compares with the promised days."""

    ON_TIME = "on_time"
    DUE = "due"
    OVERDUE = "overdue"


def add_working_days(start: datetime, days: int) -> datetime:
    """`start` plus working days; a start at a weekend counts from Monday."""
    moment = start
    left = days
    while left > 0:
        moment += timedelta(days=1)
        if moment.weekday() < SATURDAY:
            left -= 1
    return moment


def judge_pace(submitted_at: datetime, *, review_days: int, at: datetime) -> Pace:
    """Overdue after the promised days; due during the last of them."""
    if at > add_working_days(submitted_at, review_days):
        return Pace.OVERDUE
    if at > add_working_days(submitted_at, max(review_days - 1, 0)):
        return Pace.DUE
    return Pace.ON_TIME
