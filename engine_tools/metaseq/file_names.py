"""Which files make up a checkpoint, according to their names.

`PREFIX[-model_part-N][-shardM].pt`: N counts tensor-parallel parts, M the FSDP shards of a part.
OPT-175B is `checkpoint_last-model_part-{0-7}-shard{0-123}.pt` (projects/OPT/download_opt175b.md);
the other sizes are `reshard-model_part-N.pt`, OPT-350M is `reshard.pt` (projects/OPT/README.md);
OPT-IML's prefix ends in `.pt` itself (issue 695).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine_tools.metaseq.errors import SourceDamagedError, UnsupportedCheckpointError

PATTERN = re.compile(
    r"(?P<prefix>.+?)(?:-model_part-(?P<part>\d+))?(?:-shard(?P<shard>\d+))?\.pt", re.ASCII
)
NAMED_AT_MOST = 10


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class FileName:
    """The parts of a checkpoint file's name; `part` and `shard` are 0 if the name has none."""

    prefix: str
    part: int
    shard: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFiles:
    """All files of one checkpoint: `parts[p][s]` is shard `s` of tensor-parallel part `p`."""

    folder: Path
    parts: tuple[tuple[Path, ...], ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(path for part in self.parts for path in part)

    @property
    def size(self) -> int:
        """The size of all files together, in bytes."""
        return sum(path.stat().st_size for path in self.paths)


def parse_name(text: str) -> FileName | None:
    """The parts of the name; None if it is not a checkpoint file's."""
    match = PATTERN.fullmatch(text)
    if match is None:
        return None
    return FileName(
        prefix=match["prefix"],
        part=int(match["part"] or 0),
        shard=int(match["shard"] or 0),
        text=text,
    )


def find_checkpoint(source: Path, *, expected: Iterable[str] = ()) -> CheckpointFiles:
    """The checkpoint in a folder, or the one that a single file belongs to.

    The `expected` names must be there as well, for example those of a published list.
    Raises `SourceDamagedError` naming missing files, or if the folder has none, and
    `UnsupportedCheckpointError` if the folder has several checkpoints or one file twice.
    """
    folder = source if source.is_dir() else source.parent
    if not source.exists():
        raise SourceDamagedError(f"{source}: does not exist; give the folder with the .pt files")
    found = [name for entry in folder.iterdir() if (name := parse_name(entry.name))]
    prefix = _choose_prefix(source, {name.prefix for name in found})
    names = sorted(name for name in found if name.prefix == prefix)
    _refuse_doubles(folder, names)
    _refuse_gaps(folder, names, expected=expected)
    parts: dict[int, list[Path]] = defaultdict(list)
    for name in names:
        parts[name.part].append(folder / name.text)
    return CheckpointFiles(
        folder=folder, parts=tuple(tuple(parts[index]) for index in sorted(parts))
    )


def _choose_prefix(source: Path, prefixes: set[str]) -> str:
    if not source.is_dir():
        name = parse_name(source.name)
        if name is None:
            raise UnsupportedCheckpointError(f"{source}: is not a .pt file of a checkpoint")
        return name.prefix
    if not prefixes:
        raise SourceDamagedError(f"{source}: has no .pt file; give the folder of the download")
    if len(prefixes) > 1:
        names = ", ".join(sorted(prefixes))
        raise UnsupportedCheckpointError(
            f"{source}: has several checkpoints ({names}); give one file of the one you want"
        )
    return prefixes.pop()


def _refuse_doubles(folder: Path, names: list[FileName]) -> None:
    for one, other in pairwise(names):
        if (one.part, one.shard) == (other.part, other.shard):
            raise UnsupportedCheckpointError(
                f"{folder}: {one.text} and {other.text} are the same piece; move one away"
            )


def _refuse_gaps(folder: Path, names: list[FileName], *, expected: Iterable[str]) -> None:
    """Raise unless numbers start at 0 without gaps, and all parts have equally many shards."""
    there = {(name.part, name.shard) for name in names}
    wanted = {name for text in expected if (name := parse_name(text))}
    parts = 1 + max(name.part for name in [*names, *wanted])
    shards = 1 + max(name.shard for name in [*names, *wanted])
    sample = names[0]
    missing = [
        _rebuild_name(sample, part=part, shard=shard)
        for part in range(parts)
        for shard in range(shards)
        if (part, shard) not in there
    ]
    if missing:
        lines = [f"{folder / name}: is missing; download it" for name in missing[:NAMED_AT_MOST]]
        if len(missing) > NAMED_AT_MOST:
            lines.append(f"{folder}: {len(missing) - NAMED_AT_MOST} more files are missing")
        raise SourceDamagedError(*lines)


def _rebuild_name(sample: FileName, *, part: int, shard: int) -> str:
    text = re.sub(r"-model_part-\d+", f"-model_part-{part}", sample.text)
    return re.sub(r"-shard\d+", f"-shard{shard}", text)
