"""From files to rows: idempotent, complete, and with errors that lead to the line."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from portal.library.logbook.domain.loading import LoadReport, load_logbooks
from portal.library.logbook.domain.reading import newest_runs
from portal.library.logbook.folder import LogbookFolderError
from portal.library.logbook.models import Block, Entry, Run, Series
from portal.library.logbook.points import read_points
from portal.platform.audit.models import AuditEvent
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.logbook import RunFactory
from tests.library.logbook.folders import change, write_folder

pytestmark = pytest.mark.django_db
SECOND = 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ReleaseFactory.create(slug="tiny", name="Tiny")
    return write_folder(tmp_path)


def problems(folder: Path) -> list[str]:
    with pytest.raises(LogbookFolderError) as caught:
        load_logbooks(folder)
    assert Run.objects.count() == 0
    return [problem.removeprefix(f"{folder}/logbook/tiny/") for problem in caught.value.problems]


def values(run: str, name: str) -> list[tuple[float, ...]]:
    block = Block.objects.get(series__run__slug=run, series__name=name)
    return [tuple(row) for row in read_points(block.data, count=block.count)]


def test_everything_of_the_files_is_stored(folder: Path) -> None:
    assert load_logbooks(folder) == LoadReport(loaded=["tiny-1", "tiny-2"])

    entry = Entry.objects.get()
    run = Run.objects.get(slug="tiny-2")
    start = datetime(2026, 3, 1, tzinfo=UTC).timestamp() * SECOND
    assert (run.parent, run.from_step) == (Run.objects.get(slug="tiny-1"), 20)
    assert (entry.run.slug, entry.slug, entry.kind, entry.step) == (
        "tiny-1", "the-loss-explodes", "spike", 30,
    )  # fmt: skip
    assert entry.body == "It rose to **9.5**, and did not come back."
    assert entry.at == datetime(2026, 3, 1, 1, tzinfo=UTC)
    assert not entry.is_day
    assert list(
        Series.objects.values_list("run__slug", "name", "unit", "count").order_by("pk")
    ) == [
        ("tiny-1", "loss", "nats", 3),
        ("tiny-1", "lr", "", 2),
        ("tiny-2", "loss", "", 2),
    ]
    first, second, third = values("tiny-1", "loss")
    assert first == (10, 1000, start + 600 * SECOND, 5.25)
    assert second == (20, 2000, start + 1200 * SECOND, 4.5)
    assert third[:3] == (30, 3000, start + 3600 * SECOND)
    assert math.isnan(third[3])
    assert [row[0] for row in values("tiny-1", "lr")] == [10, 30]
    assert values("tiny-2", "loss")[1] == (30, 3000, 1772334700 * SECOND, 4.0)


def test_loading_again_changes_nothing(folder: Path) -> None:
    load_logbooks(folder)
    rows = [
        list(table.objects.values_list("pk", flat=True)) for table in (Run, Entry, Series, Block)
    ]
    events = AuditEvent.objects.count()

    assert load_logbooks(folder) == LoadReport()
    assert [
        list(table.objects.values_list("pk", flat=True)) for table in (Run, Entry, Series, Block)
    ] == rows
    assert AuditEvent.objects.count() == events


def test_a_corrected_entry_keeps_its_row_and_leaves_the_metrics(folder: Path) -> None:
    load_logbooks(folder)
    entry, blocks = Entry.objects.get(), list(Block.objects.values_list("pk", flat=True))
    before = entry.run.version
    change(folder, "entries/the-loss-explodes.md", "The loss explodes", "The loss diverges")

    load_logbooks(folder)

    changed = Entry.objects.get()
    assert (changed.pk, changed.title) == (entry.pk, "The loss diverges")
    assert changed.run.version != before
    assert list(Block.objects.values_list("pk", flat=True)) == blocks


def test_what_the_folder_no_longer_has_is_removed(folder: Path) -> None:
    load_logbooks(folder)
    change(folder, "metrics/tiny-1/train.csv", ",loss,lr\n", ",loss,rate\n")
    (folder / "logbook/tiny/entries/the-loss-explodes.md").unlink()
    (folder / "logbook/tiny/metrics/tiny-2/train.csv").unlink()
    (folder / "logbook/tiny/metrics/tiny-2").rmdir()
    text = (folder / "logbook/tiny/logbook.toml").read_text()
    (folder / "logbook/tiny/logbook.toml").write_text(text.rpartition("[[run]]")[0])

    assert load_logbooks(folder) == LoadReport(loaded=["tiny-1"], removed=["tiny-2"])
    assert Entry.objects.count() == 0
    assert list(Series.objects.values_list("name", flat=True)) == ["loss", "rate"]


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("logbook.toml", 'audience = "everyone"', 'audience = "all"',
         "logbook.toml: line 2: audience: Input should be 'everyone' or 'licence'"),
        ("logbook.toml", "from_step = 20\n", "",
         ("logbook.toml: line 17: run.2: parent: a run with a parent has from_step, and no other "
          "run has")),
        ("logbook.toml", 'parent = "tiny-1"', 'parent = "tiny-3"',
         "logbook.toml: line 17: parent: no run 'tiny-3' is above 'tiny-2'"),
        ("logbook.toml", "2026-03-01T02", "2026-02-01T02",
         "logbook.toml: line 9: run.1: ended: a run ends after it has started"),
        ("logbook.toml", 'release = "tiny"', 'release = "huge"',
         "logbook.toml: release: there is no release 'huge'"),
        ("logbook.toml", 'audience = "everyone"', 'audience = "everyone"\nmodel = "other"',
         "logbook.toml: model: Tiny has no model 'other'"),
        ("entries/the-loss-explodes.md", 'kind = "spike"', 'kind = "boom"',
         ("entries/the-loss-explodes.md: line 4: kind: Input should be 'launch', 'restart', "
          "'hardware', 'learning_rate', 'spike', 'decision', 'milestone' or 'note'")),
        ("entries/the-loss-explodes.md", 'run = "tiny-1"', 'run = "tiny-9"',
         "entries/the-loss-explodes.md: line 5: run: is one of tiny-1, tiny-2"),
        ("entries/the-loss-explodes.md", "step = 30", "step = 30\nstep_to = 29",
         "entries/the-loss-explodes.md: line 7: step_to: a range of steps ends after its step"),
        ("entries/the-loss-explodes.md", "+++\ntitle", "title",
         "entries/the-loss-explodes.md: line 1: an entry begins with TOML between two +++"),
        ("metrics/tiny-1/train.csv", "5.25", "high",
         "metrics/tiny-1/train.csv: line 2: loss: is a number"),
        ("metrics/tiny-1/train.csv", "4.5,\n", "4.5\n",
         "metrics/tiny-1/train.csv: line 3: row: has 4 cells, and the header has 5"),
        ("metrics/tiny-1/train.csv", "20,2000", "10,2000",
         ("metrics/tiny-1/train.csv: line 3: loss: step: 10 follows 10, but the steps of a metric "
          "rise. Describe a restart from an earlier step as its own run, with parent and "
          "from_step")),
        ("metrics/tiny-1/train.csv", "20,2000", "20,900",
         "metrics/tiny-1/train.csv: line 3: loss: tokens: 900 follows 1000, but tokens never fall"),
        ("metrics/tiny-1/train.csv", "20,2000", "20,",
         ("metrics/tiny-1/train.csv: line 3: loss: tokens, time: are given for all values of a "
          "metric, or for none")),
        ("metrics/tiny-1/train.csv", "01:00:00Z", "01:00:00",
         "metrics/tiny-1/train.csv: line 4: time: needs its zone, such as +00:00 or Z"),
        ("metrics/tiny-1/train.csv", "step,", "iteration,",
         "metrics/tiny-1/train.csv: line 1: step: no such column"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_field(
    folder: Path, name: str, old: str, new: str, problem: str
) -> None:
    change(folder, name, old, new)

    assert problems(folder) == [problem]


def test_all_problems_are_named_together(folder: Path) -> None:
    change(folder, "entries/the-loss-explodes.md", 'kind = "spike"', 'kind = "boom"')
    (folder / "logbook/tiny/entries/Bad Name.md").write_text("")
    (folder / "logbook/tiny/metrics/tiny-9").mkdir()

    found = problems(folder)

    assert [line.partition(":")[0] for line in found] == [
        "entries/Bad Name.md", "entries/the-loss-explodes.md", "metrics/tiny-9",
    ]  # fmt: skip


def test_the_command_reports_and_refuses(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_logbook", folder)
    call_command("load_logbook", folder)
    change(folder, "logbook.toml", "from_step = 20", 'from_step = "20"')

    assert capsys.readouterr().out.splitlines() == [
        "loaded logbook of tiny-1",
        "loaded logbook of tiny-2",
        "The logbooks already match the folder.",
    ]
    with pytest.raises(
        CommandError, match=r"line 18: run\.2\.from_step: Input should be a valid integer"
    ):
        call_command("load_logbook", folder)


def test_the_database_refuses_a_parent_without_a_step() -> None:
    parent = RunFactory.create()

    with pytest.raises(IntegrityError, match="logbook_run_parent_has_step"):
        RunFactory.create(parent=parent)


def test_the_newest_run_of_a_model_is_the_one_that_nothing_continues() -> None:
    model = HostedModelFactory.create()
    first = RunFactory.create(release=model.release, model=model)
    second = RunFactory.create(release=model.release, model=model, parent=first, from_step=5)
    RunFactory.create(release=model.release, model=HostedModelFactory.create(release=model.release))

    assert list(newest_runs(model)) == [second]
