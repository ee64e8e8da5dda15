"""Checks without writing: the download against its md5 list, the output against the download."""

from __future__ import annotations

import json
from pathlib import Path

from engine_tools.metaseq.convert import lock_folder, read_sources, verify_sources
from engine_tools.metaseq.errors import OutputDiffersError
from engine_tools.metaseq.file_names import find_checkpoint
from engine_tools.metaseq.local_tensors import SpanReader
from engine_tools.metaseq.md5_list import read_md5_list
from engine_tools.metaseq.plan import Options, plan_output, read_blocks
from engine_tools.metaseq.progress import Progress
from engine_tools.metaseq.safetensors_shards import INDEX, Shard, build_index

CONVERT_AGAIN = "remove the folder and convert again"


def verify(options: Options, *, compare: bool) -> list[str]:
    """Check the source; with `compare`, every tensor of `out` too, byte for byte.

    Raises `ConversionError` naming the file.
    """
    sums = read_md5_list(options.md5) if options.md5 else {}
    files = find_checkpoint(options.source, expected=sums)
    if options.md5 is not None:
        verify_sources(files, sums, journal=None, jobs=options.jobs)
    with SpanReader(jobs=options.jobs) as reader:
        checkpoint = read_sources(files)
        plan = plan_output(checkpoint, options, reader)
        notes = [*plan.notes, f"{files.folder}: {len(files.paths)} files are intact"]
        if options.md5 is None:
            notes.append("no MD5 list was given, so only the structure of the files was checked")
        if not compare:
            return notes
        with lock_folder(options.out):
            _compare_descriptions(options.out, plan.config, plan.shards)
            with Progress("comparing", total=sum(s.data_bytes for s in plan.shards)) as progress:
                for shard in plan.shards:
                    _compare_shard(options.out, shard, reader, progress)
    return [*notes, f"{options.out} has the same contents as {files.folder}"]


def _compare_descriptions(folder: Path, config: dict[str, object], shards: list[Shard]) -> None:
    for name, wanted in (("config.json", config), (INDEX, build_index(shards))):
        try:
            found = json.loads((folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise OutputDiffersError(
                f"{folder / name}: is missing; run convert again to finish the folder"
            ) from None
        except ValueError:
            found = None
        if found != wanted:
            raise OutputDiffersError(
                f"{folder / name}: does not match these files and options; {CONVERT_AGAIN}"
            )


def _compare_shard(folder: Path, shard: Shard, reader: SpanReader, progress: Progress) -> None:
    path = folder / shard.name
    if not shard.is_whole(folder):
        raise OutputDiffersError(f"{path}: is missing or truncated; run convert again")
    with path.open("rb", buffering=0) as file:
        file.seek(len(shard.header))
        for tensor in shard.tensors:
            for block in read_blocks(reader, shard.dtype, tensor):
                if file.read(block.nbytes) != block.tobytes():
                    raise OutputDiffersError(
                        f"{path}: {tensor.name} differs from the source; {CONVERT_AGAIN}"
                    )
                progress.add(block.nbytes)
