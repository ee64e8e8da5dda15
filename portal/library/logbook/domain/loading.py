"""Making the rows of the logbook match a release folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from portal.gate.catalog.models import HostedModel, Release
from portal.library.logbook.enums import Axis
from portal.library.logbook.folder import (
    FILE_NAME,
    EntryFile,
    LogbookFolder,
    LogbookFolderError,
    RunTable,
    read_logbooks,
)
from portal.library.logbook.metric_files.collect import MetricValues, collect_metrics
from portal.library.logbook.metric_files.readings import MetricFileError
from portal.library.logbook.models import Block, Entry, Run, Series
from portal.library.logbook.points import COLUMN, Points, split_blocks, write_outline, write_points
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag

BATCH = 500


@dataclass
class LoadReport:
    """The runs that a load changed, and those that it removed."""

    loaded: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """What a logbook is about."""

    release: Release
    model: HostedModel | None


def load_logbooks(release_folder: Path) -> LoadReport:
    """Make the logbooks match the folder; loading it again changes nothing.

    Metric files are read only if they have changed. Runs and entries that the folder no longer
    has are removed. Raises `LogbookFolderError` before anything is changed.
    """
    books = read_logbooks(release_folder)
    subjects = _find_subjects(books)
    metrics = _read_changed_metrics(books)
    report = LoadReport()
    with transaction.atomic():
        for book, subject in zip(books, subjects, strict=True):
            _load_book(book, subject, metrics, report)
        _remove_others(books, {subject.release.pk for subject in subjects}, report)
        for slug in report.loaded + report.removed:
            record(
                AuditTag.RELEASE_LOADED,
                actor=None,
                subject=f"logbook:{slug}",
                data={"removed": slug in report.removed},
            )
    return report


def record_series(
    run: Run, name: str, points: Points, *, unit: str = "", has_tokens: bool, has_time: bool
) -> Series:
    """Store the values of a metric, of which there is at least one."""
    series = Series.objects.create(
        run=run,
        name=name,
        unit=unit,
        count=len(points),
        has_tokens=has_tokens,
        has_time=has_time,
    )
    Block.objects.bulk_create(
        (_build_block(series, number, part) for number, part in enumerate(split_blocks(points))),
        batch_size=BATCH,
    )
    return series


def _build_block(series: Series, number: int, points: Points) -> Block:
    clocks = {
        f"{place}_{axis}": int(points[row, COLUMN[axis]])
        for place, row in (("first", 0), ("last", -1))
        for axis in Axis
    }
    return Block(
        series=series,
        number=number,
        count=len(points),
        outline=write_outline(points),
        data=write_points(points),
        **clocks,
    )


def _find_subjects(books: list[LogbookFolder]) -> list[Subject]:
    releases = {release.slug: release for release in Release.objects.all()}
    models = {model.slug: model for model in HostedModel.objects.all()}
    subjects, problems = [], []
    for book in books:
        release, model = releases.get(book.table.release), models.get(book.table.model or "")
        path = book.path / FILE_NAME
        if release is None:
            problems.append(f"{path}: release: there is no release '{book.table.release}'")
        elif book.table.model and (model is None or model.release_id != release.pk):
            problems.append(f"{path}: model: {release.name} has no model '{book.table.model}'")
        else:
            subjects.append(Subject(release, model))
    if problems:
        raise LogbookFolderError(problems)
    return subjects


def _read_changed_metrics(books: list[LogbookFolder]) -> dict[str, dict[str, MetricValues]]:
    """The metrics of the runs whose files have changed."""
    known = dict(Run.objects.values_list("slug", "metrics_sha256"))
    changed, problems = {}, []
    for book in books:
        for run in book.table.run:
            if book.metrics_sha256(run) == known.get(run.slug):
                continue
            try:
                changed[run.slug] = collect_metrics(book.metric_files(run.slug))
            except MetricFileError as error:
                problems.append(str(error))
    if problems:
        raise LogbookFolderError(problems)
    return changed


def _load_book(
    book: LogbookFolder,
    subject: Subject,
    metrics: Mapping[str, Mapping[str, MetricValues]],
    report: LoadReport,
) -> None:
    for table in book.table.run:
        stored = Run.objects.filter(slug=table.slug).first()
        if stored is not None and stored.version == book.sha256 and table.slug not in metrics:
            continue
        run = _load_run(book, table, subject)
        _load_entries(run, [entry for entry in book.entries if entry.run == table.slug])
        if table.slug in metrics:
            run.series.all().delete()
            for name, values in metrics[table.slug].items():
                record_series(
                    run,
                    name,
                    values.points,
                    unit=table.units.get(name, ""),
                    has_tokens=values.has_tokens,
                    has_time=values.has_time,
                )
        report.loaded.append(table.slug)


def _load_run(book: LogbookFolder, table: RunTable, subject: Subject) -> Run:
    parent = Run.objects.get(slug=table.parent) if table.parent else None
    run, _ = Run.objects.update_or_create(
        slug=table.slug,
        defaults={
            "release": subject.release,
            "model": subject.model,
            "name": table.name,
            "summary": table.summary,
            "authors": list(book.table.authors),
            "audience": book.table.audience,
            "parent": parent,
            "from_step": table.from_step,
            "started_at": table.started,
            "ended_at": table.ended,
            "end_reason": table.end_reason,
            "version": book.sha256,
            "metrics_sha256": book.metrics_sha256(table),
        },
    )
    return run


def _load_entries(run: Run, files: list[EntryFile]) -> None:
    """Entries keep their rows, and so their permalinks in feeds, as long as their files exist."""
    run.entries.exclude(slug__in=[file.slug for file in files]).delete()
    for start in range(0, len(files), BATCH):
        Entry.objects.bulk_create(
            [_build_entry(run, file) for file in files[start : start + BATCH]],
            update_conflicts=True,
            unique_fields=["run", "slug"],
            update_fields=[
                *("kind", "title", "body", "at", "is_day", "step", "step_to"),
                *("authors", "source", "source_url"),
            ],
        )


def _build_entry(run: Run, file: EntryFile) -> Entry:
    front = file.front
    return Entry(
        run=run,
        slug=file.slug,
        kind=front.kind,
        title=front.title,
        body=file.body,
        at=front.at,
        is_day=front.is_day,
        step=front.step,
        step_to=front.step_to,
        authors=list(front.authors),
        source=front.source,
        source_url=front.source_url,
    )


def _remove_others(books: list[LogbookFolder], releases: set[int], report: LoadReport) -> None:
    """Remove the runs of these releases that no folder names, continuations first."""
    named = [run.slug for book in books for run in book.table.run]
    gone = Run.objects.filter(release__in=releases).exclude(slug__in=named)
    for run in gone.order_by("-started_at", "-pk"):
        run.continuations.update(parent=None, from_step=None)
        run.delete()
        report.removed.append(run.slug)
