"""Restarted runs: which values and entries belong to a run, and how its family is drawn."""

from __future__ import annotations

import pytest

from portal.library.logbook.domain.clock import Span, read_clock
from portal.library.logbook.domain.curves import FEW_BLOCKS, read_curves
from portal.library.logbook.domain.entries import EntryFilter, list_entries, place_entry
from portal.library.logbook.domain.line import Line, read_line
from portal.library.logbook.domain.lineage import draw_lineage
from portal.library.logbook.enums import Axis, EntryKind
from portal.library.logbook.points import BLOCK
from tests.factories.logbook import EntryFactory, RunFactory, make_series, moment

pytestmark = pytest.mark.django_db
SECOND = 1_000_000


@pytest.fixture
def line() -> Line:
    """Three runs: 0 to 9; from 5 to 12; from 8 to 14. The second was left at step 8."""
    first = RunFactory.create(slug="a", ended_at=moment(10))
    second = RunFactory.create(
        slug="b", release=first.release, parent=first, from_step=5, started_at=moment(11)
    )
    third = RunFactory.create(
        slug="c", release=first.release, parent=second, from_step=8, started_at=moment(14)
    )
    make_series(first, "loss", [10.0] * 10)
    make_series(second, "loss", [20.0] * 7, first_step=6)
    make_series(third, "loss", [30.0] * 6, first_step=9)
    make_series(third, "lr", [0.1, 0.2], first_step=9, has_tokens=False)
    return read_line(third)


def steps_and_values(line: Line, **options: object) -> list[tuple[int, float | None]]:
    loss = read_curves(line, axis=Axis.STEP, **options)[0]  # type: ignore[arg-type]
    return list(zip(loss.places, loss.values, strict=True))


def test_a_line_has_each_run_up_to_the_step_where_it_was_left(line: Line) -> None:
    assert steps_and_values(line) == [
        *((step, 10.0) for step in range(6)),
        *((step, 20.0) for step in range(6, 9)),
        *((step, 30.0) for step in range(9, 15)),
    ]


def test_a_span_cuts_a_line_at_both_ends(line: Line) -> None:
    assert steps_and_values(line, span=Span(5, 10)) == [
        (5, 10.0), (6, 20.0), (7, 20.0), (8, 20.0), (9, 30.0), (10, 30.0),
    ]  # fmt: skip


def test_a_grandparent_is_cut_at_the_lowest_step() -> None:
    first = RunFactory.create()
    second = RunFactory.create(release=first.release, parent=first, from_step=5)
    third = RunFactory.create(release=first.release, parent=second, from_step=2)
    make_series(first, "loss", [1.0] * 10)
    make_series(third, "loss", [3.0] * 2, first_step=3)

    assert steps_and_values(read_line(third)) == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 3.0), (4, 3.0)]


def test_a_run_from_step_0_has_no_values_of_its_parent_but_its_story() -> None:
    first = RunFactory.create()
    second = RunFactory.create(
        release=first.release, parent=first, from_step=0, started_at=moment(10)
    )
    make_series(first, "loss", [1.0] * 10)
    make_series(second, "loss", [2.0] * 2)
    early = EntryFactory.create(run=first, step=7)
    EntryFactory.create(run=first, step=11)
    line = read_line(second)

    assert steps_and_values(line) == [(0, 2.0), (1, 2.0)]
    assert list(list_entries(line, EntryFilter(Axis.STEP), read_clock(line))) == [early]


def test_only_metrics_with_an_axis_are_drawn_over_it(line: Line) -> None:
    assert [curve.name for curve in read_curves(line, axis=Axis.STEP)] == ["loss", "lr"]
    tokens = read_curves(line, axis=Axis.TOKENS)
    assert [curve.name for curve in tokens] == ["loss"]
    assert tokens[0].places[-2:] == [13_000, 14_000]


def test_the_clock_converts_between_axes(line: Line) -> None:
    clock = read_clock(line)

    assert clock.axes == {Axis.STEP, Axis.TOKENS, Axis.TIME}
    assert clock.convert(10, by=Axis.STEP, to=Axis.TOKENS) == 10_000
    assert clock.convert(10_500, by=Axis.TOKENS, to=Axis.STEP) == 10.5
    assert clock.convert(15, by=Axis.STEP, to=Axis.TIME) is None
    assert clock.convert_span(Span(-5, 10_000), by=Axis.TOKENS, to=Axis.STEP) == Span(0, 10)
    assert clock.convert_span(Span(20_000, 30_000), by=Axis.TOKENS, to=Axis.STEP) is None


def test_entries_belong_to_the_line_by_their_step_or_else_their_time(line: Line) -> None:
    first, second, third = (segment.run for segment in line.segments)
    inside = [
        EntryFactory.create(run=first, step=5),
        EntryFactory.create(run=first, step=None, at=moment(11)),
        EntryFactory.create(run=second, step=8, at=moment(12)),
        EntryFactory.create(run=third, step=14),
    ]
    EntryFactory.create(run=first, step=6)
    EntryFactory.create(run=first, step=None, at=moment(12))
    EntryFactory.create(run=second, step=9)

    found = list_entries(line, EntryFilter(Axis.STEP), read_clock(line))

    assert list(found) == inside


def test_a_range_selects_entries_by_step_or_else_by_time(line: Line) -> None:
    run, clock = line.run, read_clock(line)
    by_step = EntryFactory.create(run=run, step=10)
    by_time = EntryFactory.create(run=run, step=None, at=moment(11))
    over = EntryFactory.create(run=run, step=9, step_to=13)
    EntryFactory.create(run=run, step=9)
    EntryFactory.create(run=run, step=13)
    EntryFactory.create(run=run, step=None, at=moment(13))

    def found(axis: Axis, low: int, high: int) -> set[int]:
        entries = list_entries(line, EntryFilter(axis, Span(low, high)), clock)
        return set(entries.values_list("pk", flat=True))

    wanted = {by_step.pk, by_time.pk, over.pk}
    start = int(moment(0).timestamp()) * SECOND
    assert found(Axis.STEP, 10, 12) == wanted
    assert found(Axis.TOKENS, 9_900, 12_000) == wanted
    assert found(Axis.TIME, start + 100 * SECOND, start + 120 * SECOND) == {by_step.pk, by_time.pk}
    assert place_entry(by_time, Axis.STEP, clock) == 11
    assert place_entry(by_time, Axis.TOKENS, clock) == 11_000


def test_a_metric_of_many_blocks_keeps_its_spikes_and_exact_ends() -> None:
    run = RunFactory.create()
    count = (FEW_BLOCKS + 3) * BLOCK
    values = [1.0] * count
    values[BLOCK * 20 + 7], values[BLOCK * 30 + 9] = 99.0, -99.0
    values[3], values[-3] = 50.0, 60.0  # outside the span, in blocks that it cuts
    make_series(run, "loss", values)
    line = read_line(run)

    whole = read_curves(line, axis=Axis.STEP)[0]
    part = read_curves(line, axis=Axis.STEP, span=Span(10, count - 10))[0]

    drawn = dict(zip(whole.places, whole.values, strict=True))
    assert (drawn[BLOCK * 20 + 7], drawn[BLOCK * 30 + 9], drawn[3], drawn[count - 3]) == (
        99.0, -99.0, 50.0, 60.0,
    )  # fmt: skip
    assert (whole.count, part.count) == (count, count - 19)
    assert (part.places[0], part.places[-1]) == (10, count - 10)
    assert {value for value in part.values if value != 1.0} == {-99.0, 99.0}
    assert len(whole.places) < 1001


def test_the_table_has_the_lowest_and_highest_value_of_each_row(line: Line) -> None:
    rows = list(read_curves(line, axis=Axis.STEP)[0].list_rows())

    assert len(rows) == 12
    assert rows[2] == (4, 5, 10.0, 10.0, 10.0)
    assert rows[-1] == (14, 14, 30.0, 30.0, 30.0)


def test_the_family_is_drawn_over_steps_with_restarts(line: Line) -> None:
    EntryFactory.create(run=line.run, step=7, kind=EntryKind.RESTART)
    lineage = draw_lineage(line)

    # 14 steps are 976 units wide.
    assert lineage.axis is Axis.STEP
    assert [(bar.run.slug, bar.x, bar.width, bar.link_y) for bar in lineage.bars] == [
        ("a", 12.0, 627.4, None),
        ("b", 360.6, 488.0, 11),
        ("c", 569.7, 418.3, 33),
    ]
    assert [list(bar.restarts) for bar in lineage.bars] == [[], [], [500.0]]
    assert [bar.is_shown for bar in lineage.bars] == [False, False, True]


def test_without_values_the_family_is_drawn_over_time() -> None:
    first = RunFactory.create(ended_at=moment(10))
    RunFactory.create(release=first.release, parent=first, from_step=0, started_at=moment(5))

    lineage = draw_lineage(read_line(first))

    assert lineage.axis is Axis.TIME
    assert [(bar.x, bar.width) for bar in lineage.bars] == [(12.0, 976.0), (500.0, 488.0)]
