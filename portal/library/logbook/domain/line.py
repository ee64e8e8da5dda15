"""The line of a run: the run, and what it continues, each up to the step at which it was left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q

from portal.library.logbook.models import Run, Series


@dataclass(frozen=True)
class Segment:
    """A run up to a step, which counts, and a time; None for the whole run."""

    run: Run
    until_step: int | None = None
    until_time: datetime | None = None

    @property
    def is_only_background(self) -> bool:
        """Whether the next run began at step 0, without anything that this one had learned."""
        return self.until_step == 0

    @property
    def entries(self) -> Q:
        """Which entries belong to it: by their step or, without one, by their time."""
        if self.until_step is None:
            return Q(run=self.run)
        if self.is_only_background:
            return Q(run=self.run, at__lte=self.until_time)
        by_step = Q(step__lte=self.until_step)
        return Q(run=self.run) & (by_step | Q(step=None, at__lte=self.until_time))

    @property
    def blocks(self) -> Q:
        if self.until_step is None:
            return Q(series__run=self.run)
        return Q(series__run=self.run, first_step__lte=self.until_step)


@dataclass(frozen=True)
class Line:
    """The segments of a run, the oldest first, all runs of its family, and its metrics."""

    segments: Sequence[Segment]
    family: Sequence[Run]
    series: Sequence[Series]

    @property
    def run(self) -> Run:
        return self.segments[-1].run

    @property
    def entries(self) -> Q:
        return reduce(or_, [segment.entries for segment in self.segments])

    @property
    def blocks(self) -> Q:
        return reduce(or_, [segment.blocks for segment in self.segments])

    def oldest_first(self, series: Sequence[Series]) -> list[Series]:
        """Some metrics of the line, in the order of its segments."""
        place = {segment.run.pk: number for number, segment in enumerate(self.segments)}
        return sorted(series, key=lambda one: place[one.run_id])


def read_line(run: Run) -> Line:
    """The line and the family of a run, in two queries."""
    runs = {one.pk: one for one in Run.objects.filter(release=run.release_id)}
    segments = [Segment(run)]
    while (child := segments[-1]).run.parent_id is not None:
        from_step = child.run.from_step or 0
        until = from_step if child.until_step is None else min(from_step, child.until_step)
        segments.append(
            Segment(
                runs[child.run.parent_id],
                until_step=until,
                until_time=min(child.run.started_at, child.until_time or child.run.started_at),
            )
        )
    root = segments[-1].run
    family = [one for one in runs.values() if _find_root(one, runs) == root]
    segments.reverse()
    own = [segment.run for segment in segments if not segment.is_only_background]
    series = list(Series.objects.filter(run__in=own).select_related("run").order_by("name", "pk"))
    return Line(segments, family, series)


def _find_root(run: Run, runs: dict[int, Run]) -> Run:
    while run.parent_id is not None:
        run = runs[run.parent_id]
    return run
