"""Comparison of the files with the published MD5 sums.

A list has rows `shard,md5sum` (projects/OPT/assets/opt175b_md5sum_shards.csv, 992 rows), or is the
output of `md5sum`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine_tools.metaseq.errors import SourceDamagedError, UnsupportedCheckpointError
from engine_tools.metaseq.file_names import NAMED_AT_MOST, CheckpointFiles
from engine_tools.metaseq.journal import Journal, describe_file
from engine_tools.metaseq.safetensors_shards import hash_file
from engine_tools.metaseq.torch_archive import refuse_web_page

CSV_ROW = re.compile(r"(?P<name>[^,\s]+)\s*,\s*(?P<md5>[0-9a-fA-F]{32})", re.ASCII)
MD5SUM_ROW = re.compile(r"(?P<md5>[0-9a-fA-F]{32})\s+\*?(?P<name>\S+)", re.ASCII)
SAVE_EVERY = 16
"""The number of files between two saves of the journal."""
HEADER = re.compile(r"shard\s*,\s*md5sum", re.ASCII | re.IGNORECASE)


def read_md5_list(path: Path) -> dict[str, str]:
    """MD5 sums by file name. Raises `UnsupportedCheckpointError` naming the wrong line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise UnsupportedCheckpointError(f"{path}: the MD5 list cannot be read: {reason}") from None
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        row = line.strip()
        if not row or HEADER.fullmatch(row):
            continue
        match = CSV_ROW.fullmatch(row) or MD5SUM_ROW.fullmatch(row)
        if match is None:
            raise UnsupportedCheckpointError(
                f"{path}: line {number} is not NAME,MD5; download the list again"
            )
        name, md5 = Path(match["name"]).name, match["md5"].lower()
        if sums.setdefault(name, md5) != md5:
            raise UnsupportedCheckpointError(f"{path}: line {number} has a second sum for {name}")
    if not sums:
        raise UnsupportedCheckpointError(f"{path}: the MD5 list is empty; download it again")
    return sums


def verify_md5(
    files: CheckpointFiles,
    sums: Mapping[str, str],
    *,
    journal: Journal | None,
    jobs: int,
    report: Callable[[int], None],
) -> None:
    """Hash every file that the journal does not list yet, and compare.

    Raises `SourceDamagedError` with one line for each file that is wrong.
    """
    known = {} if journal is None else journal.md5

    def check(path: Path) -> str | None:
        return _find_fault(path, sums, known=known, report=report)

    wrong = []
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="md5")
    try:
        for number, line in enumerate(pool.map(check, files.paths), start=1):
            if line is not None:
                wrong.append(line)
            if journal is not None and number % SAVE_EVERY == 0:
                journal.save()
    finally:
        # After an interruption, files not yet begun are skipped.
        pool.shutdown(cancel_futures=True)
        if journal is not None:
            journal.save()
    if len(wrong) > NAMED_AT_MOST:
        wrong[NAMED_AT_MOST:] = [f"{files.folder}: {len(wrong) - NAMED_AT_MOST} more are wrong"]
    if wrong:
        raise SourceDamagedError(*wrong)


def _find_fault(
    path: Path, sums: Mapping[str, str], *, known: dict[str, str], report: Callable[[int], None]
) -> str | None:
    """The fault of a file, as a line for the operator, or None. Adds its sum to `known`."""
    if path.name not in sums:
        return f"{path}: is not in the MD5 list; give the list of this checkpoint"
    try:
        refuse_web_page(path)
    except SourceDamagedError as error:
        return str(error)
    state = describe_file(path)
    if state in known:
        report(path.stat().st_size)
    else:
        known[state] = hash_file(path, "md5", report=report)
    if known[state] == sums[path.name]:
        return None
    return (
        f"{path}: its MD5 is {known[state]}, but {sums[path.name]} was published; download it again"
    )
