"""Rows as a table that reads well in a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.results import PORTAL, SUBJECTS, Results
from benchmarks.rows import NOT_MEASURED, Row, describe_waits, list_rows

TITLES = {"portal": "portal", "engine": "engine alone", "litellm": "LiteLLM's proxy"}


def render(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def render_full(results: Results) -> str:
    """Every figure of every subject, with the portal's targets."""
    rows: list[Row] = list_rows(results)
    header = ["", *(TITLES[name] for name in SUBJECTS), "target"]
    return render(header, [[row.label, *row.cells, row.target] for row in rows])


def render_short(results: Results) -> str:
    """One line per subject."""
    size = results.bursts[PORTAL].size if PORTAL in results.bursts else 100
    header = [
        "",
        "CPU per token, µs",
        "tokens/s sustained",
        f"first token in a burst of {size}, p50 / p99, s",
    ]
    rows = []
    for name in SUBJECTS:
        steady, burst = results.steady.get(name), results.bursts.get(name)
        rows.append(
            [
                TITLES[name],
                f"{steady.micros():,.0f}" if steady else NOT_MEASURED,
                f"{steady.tokens_per_second:,.0f}" if steady else NOT_MEASURED,
                describe_waits(burst.first) if burst else NOT_MEASURED,
            ]
        )
    return render(header, rows)
