"""The format of a logbook in a release folder: `logbook/NAME/` with runs, entries and metrics."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from portal.library.logbook.enums import Audience, EntryKind

FILE_NAME: Final = "logbook.toml"
FENCE: Final = "+++"
T = TypeVar("T", bound="Table")
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$", max_length=80)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Step = Annotated[int, Field(ge=0, le=2**53, strict=True)]
Link = Annotated[str, StringConstraints(pattern=r"^(https://\S+)?$", max_length=500)]


class LogbookFolderError(Exception):
    """The folder cannot be loaded. `problems` has one line each: file, line, field, reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Table(BaseModel):
    """Base of every table: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunTable(Table):
    """`[[run]]`: a training run; `units` names the units of its metrics."""

    slug: Slug
    name: Line
    summary: str = ""
    parent: Slug | None = None
    from_step: Step | None = None
    started: AwareDatetime
    ended: AwareDatetime | None = None
    end_reason: LongLine = ""
    units: dict[str, Annotated[str, StringConstraints(max_length=50)]] = {}

    @model_validator(mode="after")
    def keep_order(self) -> Self:
        if (self.parent is None) != (self.from_step is None):
            raise ValueError("parent: a run with a parent has from_step, and no other run has")
        if self.ended is not None and self.ended < self.started:
            raise ValueError("ended: a run ends after it has started")
        return self


class LogbookTable(Table):
    """`logbook.toml`: which release it is about, who may read it, and its runs, parents first."""

    release: str
    model: str | None = None
    audience: Audience
    authors: tuple[Line, ...] = ()
    run: Annotated[tuple[RunTable, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def name_parents_first(self) -> Self:
        seen: set[str] = set()
        for run in self.run:
            if run.slug in seen:
                raise ValueError(f"slug: the run '{run.slug}' appears twice")
            if run.parent is not None and run.parent not in seen:
                raise ValueError(f"parent: no run '{run.parent}' is above '{run.slug}'")
            seen.add(run.slug)
        return self


class FrontMatter(Table):
    """What is above the text of an entry, between lines of `+++`, as TOML."""

    title: Line
    time: AwareDatetime | date
    kind: EntryKind
    run: Slug | None = None
    step: Step | None = None
    step_to: Step | None = None
    authors: tuple[Line, ...] = ()
    source: LongLine = ""
    source_url: Link = ""

    @model_validator(mode="after")
    def keep_order(self) -> Self:
        if self.step_to is not None and (self.step is None or self.step_to < self.step):
            raise ValueError("step_to: a range of steps ends after its step")
        return self

    @property
    def is_day(self) -> bool:
        return not isinstance(self.time, datetime)

    @property
    def at(self) -> datetime:
        if isinstance(self.time, datetime):
            return self.time
        return datetime.combine(self.time, time(), UTC)


@dataclass(frozen=True)
class EntryFile:
    """An entry: its slug is the name of its file."""

    slug: str
    front: FrontMatter
    body: str
    run: str


@dataclass(frozen=True)
class LogbookFolder:
    """One logbook as its files have it; the metric files of a run are not read yet."""

    path: Path
    table: LogbookTable
    entries: tuple[EntryFile, ...]
    sha256: str

    def metric_files(self, run: str) -> list[Path]:
        return _list_files(self.path / "metrics" / run)

    def metrics_sha256(self, run: RunTable) -> str:
        """Of everything that decides the values of a run's metrics and their units."""
        return _hash([*self.metric_files(run.slug)], seed=repr(sorted(run.units.items())))


def read_logbooks(release_folder: Path) -> list[LogbookFolder]:
    """Every logbook of a release folder, checked; raises `LogbookFolderError` with all problems."""
    books, problems = [], []
    for path in sorted((release_folder / "logbook").glob(f"*/{FILE_NAME}")):
        try:
            books.append(_read_logbook(path.parent))
        except LogbookFolderError as error:
            problems += error.problems
    slugs = [run.slug for book in books for run in book.table.run]
    problems += [
        f"{release_folder / 'logbook'}: slug: the run '{slug}' is in two logbooks"
        for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1})
    ]
    if problems:
        raise LogbookFolderError(problems)
    return books


def _read_logbook(folder: Path) -> LogbookFolder:
    path = folder / FILE_NAME
    table = _parse(path, _read_text(path), LogbookTable)
    runs = [run.slug for run in table.run]
    entries, problems = [], []
    for file in _list_files(folder / "entries"):
        try:
            entries.append(_read_entry(file, runs))
        except LogbookFolderError as error:
            problems += error.problems
    problems += [
        f"{stray}: no run '{stray.name}' is in {FILE_NAME}"
        for stray in sorted((folder / "metrics").glob("*"))
        if stray.name not in runs
    ]
    if problems:
        raise LogbookFolderError(problems)
    return LogbookFolder(folder, table, tuple(entries), _hash(_list_files(folder)))


def _read_entry(path: Path, runs: list[str]) -> EntryFile:
    if path.suffix != ".md" or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", path.stem):
        raise LogbookFolderError(
            [f"{path}: the name of an entry is lower-case words with hyphens, and .md"]
        )
    opening, head, body = ([*_read_text(path).split(f"{FENCE}\n", 2), "", ""])[:3]
    if opening or not head:
        raise LogbookFolderError([f"{path}: line 1: an entry begins with TOML between two {FENCE}"])
    front = _parse(path, f"\n{head}", FrontMatter)
    run = front.run or runs[0]
    if run not in runs or (front.run is None and len(runs) > 1):
        line = _find_line(f"\n{head}", ("run",))
        raise LogbookFolderError([f"{path}: line {line}: run: is one of {', '.join(runs)}"])
    return EntryFile(path.stem, front, body.strip(), run)


def _parse(path: Path, text: str, table: type[T]) -> T:
    try:
        return table.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LogbookFolderError([f"{path}: {error}"]) from None
    except ValidationError as error:
        raise LogbookFolderError(
            [_describe_problem(path, text, item) for item in error.errors()]
        ) from None


def _describe_problem(path: Path, text: str, item: ErrorDetails) -> str:
    message = item["msg"].removeprefix("Value error, ")
    # Our own messages begin with the key; a key that is missing has no line.
    location = item["loc"][:-1] if item["type"] == "missing" else item["loc"]
    line = _find_line(text, (*location, message.partition(":")[0]))
    names = ".".join(str(part + 1 if isinstance(part, int) else part) for part in item["loc"])
    return (
        f"{path}: line {line}: {names}: {message}" if names else f"{path}: line {line}: {message}"
    )


def _find_line(text: str, location: tuple[int | str, ...]) -> int:
    """The line of a key, or of its table, or 1."""
    lines = text.split("\n")
    found = 1
    for part in location:
        name = r"\[\[run\]\]" if isinstance(part, int) else rf"\s*{re.escape(part)}\s*="
        places = [
            number
            for number, line in enumerate(lines, 1)
            if number >= found and re.match(name, line)
        ]
        nth = part if isinstance(part, int) else 0
        if nth < len(places):
            found = places[nth]
    return found


def _read_text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogbookFolderError([f"{path}: is not UTF-8 (byte {error.start})"]) from None
    if "\0" in text:
        raise LogbookFolderError([f"{path}: contains a NUL byte"])
    return text.replace("\r\n", "\n")


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _hash(files: list[Path], *, seed: str = "") -> str:
    digest = hashlib.sha256(seed.encode())
    for name, content in _digest_each(files):
        digest.update(f"\0{name}\0".encode() + content)
    return digest.hexdigest()


def _digest_each(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        with path.open("rb") as file:
            yield path.name, hashlib.file_digest(file, "sha256").digest()
