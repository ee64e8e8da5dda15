"""The conversion: check, plan, write shard by shard, and continue an interrupted start."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from engine_tools.metaseq.checkpoint import Checkpoint, read_checkpoint
from engine_tools.metaseq.errors import CannotWriteError
from engine_tools.metaseq.file_names import CheckpointFiles, find_checkpoint
from engine_tools.metaseq.journal import Journal, describe_plan, open_journal, write_text
from engine_tools.metaseq.local_tensors import SpanReader
from engine_tools.metaseq.md5_list import read_md5_list, verify_md5
from engine_tools.metaseq.model_config import SIZES
from engine_tools.metaseq.plan import Options, Plan, plan_output, read_blocks
from engine_tools.metaseq.progress import Progress, describe_bytes
from engine_tools.metaseq.safetensors_shards import (
    INDEX,
    Shard,
    build_index,
    hash_file,
    write_shard,
)
from engine_tools.metaseq.tokenizer import read_tokenizer, refuse_other_vocabulary, write_tokenizer

SPARE_BYTES = 64 * 1024**2
"""For the tokenizer, the journal and the file system."""
CHECKSUMS = "SHA256SUMS"


def convert(options: Options) -> list[str]:
    """Make `out` a folder that transformers and vLLM load, and return notes for the operator.

    A complete folder is left alone. An incomplete one is finished, and its complete shards are
    kept. Raises `ConversionError`.
    """
    sums = read_md5_list(options.md5) if options.md5 else {}
    files = find_checkpoint(options.source, expected=sums)
    digest = describe_plan(files, options=_shaping(options))
    journal = open_journal(options.out, plan=digest)
    with lock_folder(options.out):
        tokenizer = read_tokenizer(options.tokenizer or files.folder)
        if options.size is not None and not journal.complete:
            _refuse_full_disk(options.out, SIZES[options.size].weight_bytes(options.dtype))
        if options.md5 is not None:
            verify_sources(files, sums, journal=journal, jobs=options.jobs)
        if journal.complete:
            return [f"{options.out} is already complete"]
        journal.save()
        with SpanReader(jobs=options.jobs) as reader:
            checkpoint = read_sources(files)
            plan = plan_output(checkpoint, options, reader)
            refuse_other_vocabulary(tokenizer, vocab_size=plan.config["vocab_size"])
            _write_shards(plan.shards, journal, reader)
        write_tokenizer(options.out, tokenizer)
        _write_descriptions(plan, journal)
    notes = [*plan.notes, *_describe_trust(options, has_dictionary=tokenizer.dictionary_lines > 0)]
    return [*notes, f"wrote {options.out}: {len(plan.shards)} shards"]


def verify_sources(
    files: CheckpointFiles, sums: dict[str, str], *, journal: Journal | None, jobs: int
) -> None:
    """Compare every source file with the MD5 list. Raises `SourceDamagedError`."""
    with Progress("checking MD5", total=files.size) as progress:
        verify_md5(files, sums, journal=journal, jobs=jobs, report=progress.add)


def read_sources(files: CheckpointFiles) -> Checkpoint:
    with Progress("reading the files' structure", total=files.size) as progress:
        return read_checkpoint(files, report=lambda path: progress.add(path.stat().st_size))


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock the folder. Raises `CannotWriteError` if another process has locked it."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CannotWriteError(f"{folder}: another conversion uses it; wait for its end") from None
    finally:
        os.close(file)


def _shaping(options: Options) -> list[object]:
    """The options that affect the output."""
    tokenizer = options.tokenizer and options.tokenizer.resolve()
    return [options.dtype, options.max_shard_bytes, options.num_attention_heads, tokenizer]


def _write_shards(shards: list[Shard], journal: Journal, reader: SpanReader) -> None:
    folder = journal.folder
    for leftover in folder.glob("*.partial"):
        leftover.unlink()
    missing = [shard for shard in shards if not shard.is_whole(folder)]
    _refuse_full_disk(folder, sum(shard.size for shard in shards))
    total = sum(shard.data_bytes for shard in shards)
    with Progress("writing", total=total) as progress:
        for shard in shards:
            if shard not in missing:
                progress.add(shard.data_bytes)
                if shard.name not in journal.sha256:
                    journal.sha256[shard.name] = hash_file(
                        folder / shard.name, "sha256", report=lambda _count: None
                    )
                continue
            read = partial(read_blocks, reader, shard.dtype)
            digest = write_shard(folder, shard, read=read, report=progress.add)
            journal.sha256[shard.name] = digest
            journal.save()


def _refuse_full_disk(folder: Path, size: int) -> None:
    """Raise `CannotWriteError` if the disk lacks room for the missing part of `size` bytes."""
    there = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    needed, free = max(0, size - there), shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise CannotWriteError(
            f"{folder}: {describe_bytes(needed + SPARE_BYTES)} are needed and "
            f"{describe_bytes(free)} are free; free some space or choose a folder on another disk"
        )


def _write_descriptions(plan: Plan, journal: Journal) -> None:
    """Write the index last: without it no program loads the folder."""
    folder = journal.folder
    generation = {key: plan.config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    lines = [f"{journal.sha256[shard.name]}  {shard.name}\n" for shard in plan.shards]
    write_text(folder / CHECKSUMS, "".join(lines))
    write_text(folder / "generation_config.json", json.dumps(generation, indent=1) + "\n")
    write_text(folder / "config.json", json.dumps(plan.config, indent=1) + "\n")
    write_text(folder / INDEX, json.dumps(build_index(plan.shards), indent=1) + "\n")
    journal.complete = True
    journal.save()


def _describe_trust(options: Options, *, has_dictionary: bool) -> list[str]:
    notes = []
    if options.md5 is None:
        notes.append("no MD5 list was given, so only the structure of the files was checked")
    if not has_dictionary:
        notes.append("there is no dict.txt, so the vocabulary was compared with the weights only")
    return notes
