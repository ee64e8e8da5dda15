"""The numbers of the process as tables, for its page and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.gate.access.domain.numbers.metrics import EXPIRING, SMALL_CELL, Metrics, Share, Week
from portal.platform.core.spreadsheets import write_rows

Cell = str | int | float | None


@dataclass(frozen=True)
class MetricTable:
    """One table; the first column names the row. `share` is the percentage column, if any."""

    slug: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    chart: str = ""
    share: int | None = None


def list_tables(metrics: Metrics) -> list[MetricTable]:
    """Every table of the page, in its order."""
    return [
        _volumes(metrics.weeks),
        _weekly_waits(metrics.weeks),
        _stages(metrics),
        _shares("countries", "Approved, by country", "Country", metrics.countries),
        _shares("sectors", "Approved, by kind of institution", "Kind", metrics.sectors),
        MetricTable(
            "reasons",
            "Reasons for refusals and returns",
            "The reason that the reviewer chose.",
            ("Reason", "Refused", "Returned"),
            tuple((row.label, row.rejected, row.returned) for row in metrics.reasons),
        ),
        MetricTable(
            "expiring",
            "Grants that end soon",
            "Active grants; each column includes those of the columns before it.",
            ("Model", *(f"Within {days} days" for days in EXPIRING)),
            tuple((row.model, *row.within) for row in metrics.expiring),
        ),
    ]


def write_csv(table: MetricTable) -> str:
    """The table as CSV; an empty cell means that there is no number."""
    return write_rows([table.columns, *table.rows])


def _volumes(weeks: Sequence[Week]) -> MetricTable:
    return MetricTable(
        "volumes",
        "Applications by week",
        "Submissions, including those after a return, and answers that were not taken back.",
        ("Week from", "Submitted", "Approved", "Refused", "Returned"),
        tuple(
            (_day(week), week.submitted, week.approved, week.rejected, week.returned)
            for week in weeks
        ),
        chart="applications",
    )


def _weekly_waits(weeks: Sequence[Week]) -> MetricTable:
    return MetricTable(
        "waits",
        "Hours to an answer, by week",
        "From each submission to its answer, in the week of the answer.",
        ("Week from", "Median", "90th percentile"),
        tuple((_day(week), week.median_hours, week.p90_hours) for week in weeks),
        chart="hours",
    )


def _stages(metrics: Metrics) -> MetricTable:
    rows = tuple(
        (stage.label, waits.answers, waits.median_hours, waits.p90_hours)
        if (waits := stage.waits)
        else (stage.label, 0, None, None)
        for stage in metrics.stages
    )
    return MetricTable(
        "stages",
        "Hours in each stage",
        "Applicants see the first row, over 90 days.",
        ("Stage", "Counted", "Median", "90th percentile"),
        rows,
    )


def _shares(slug: str, title: str, kind: str, shares: Sequence[Share]) -> MetricTable:
    rows = tuple(
        (share.label, f"fewer than {SMALL_CELL}", None, None, None)
        if share.is_small
        else (share.label, share.decided, share.approved, share.rejected, share.percent)
        for share in shares
    )
    return MetricTable(
        slug,
        title,
        "Each application counts once, by its current state. A share is not a verdict: look for "
        f"the reasons behind it. Groups of fewer than {SMALL_CELL} are not broken down.",
        (kind, "Decided", "Approved", "Refused", "Approved, %"),
        rows,
        share=4,
    )


def _day(week: Week) -> str:
    return f"{week.start:%Y-%m-%d}"
