"""The tensors of every tensor-parallel part, joined from the part's FSDP shards.

Facts and their sources:
- A shard has `model` and `shard_metadata`. For each FSDP module the metadata has `fsdp_path` and
  `params`: per flat parameter the `names`, `shapes`, `numels` of the tensors flattened into it, in
  order, and the `padding` at this shard's end. The shards without padding, joined in the order of
  their numbers, are the flat parameter. `no_broadcast_optim_state` marks a module that is whole in
  the first shard (fairscale, `fully_sharded_data_parallel.py`: `local_metadata_dict`,
  `consolidate_shard_weights`; metaseq/scripts/reshard_fsdp.py).
- OPT-175B has one flat parameter per layer, `decoder.layers.N.flat_param_0`, and `flat_param_0` for
  the rest, according to notes by people who had the files. Nothing here depends on it. Alpa's
  `step_2_consolidate_992_shards_to_singleton.py` reads those files by the same metadata.
- Files made by `reshard_fsdp --unflatten-weights True`, and OPT-350M's, have the tensors under
  their own names, without metadata. Files made by `reshard_mp` in 2022 are flat and lack the
  metadata, which that script removed (metaseq/scripts/reshard_mp.py, issue 695).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_tools.metaseq.errors import SourceDamagedError, UnsupportedCheckpointError
from engine_tools.metaseq.file_names import CheckpointFiles
from engine_tools.metaseq.inert_pickle import TensorRef
from engine_tools.metaseq.local_tensors import LocalTensor, slice_ranges
from engine_tools.metaseq.torch_archive import Archive, FileRange, open_archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The structure of all files together; no tensor's numbers have been read."""

    parts: tuple[Mapping[str, LocalTensor], ...]
    settings: Any
    """The first file's `cfg` or `args` as inert objects; None if it has neither."""


@dataclass(frozen=True, slots=True)
class FlatParameter:
    """One flat parameter of a part: the tensors flattened into it, and the pieces of its data."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    pieces: list[FileRange]
    only_first: bool


def read_checkpoint(files: CheckpointFiles, *, report: Callable[[Path], None]) -> Checkpoint:
    """Read the directory of every file, and call `report` after each.

    Raises `SourceDamagedError` if the shards do not match their metadata, and
    `UnsupportedCheckpointError` for layouts that cannot be read.
    """
    parts, settings = [], None
    for paths in files.parts:
        part: dict[str, FlatParameter] = {}
        plain: dict[str, LocalTensor] = {}
        for number, path in enumerate(paths):
            archive = open_archive(path)
            if settings is None:
                settings = archive.content.get("cfg") or archive.content.get("args")
            if archive.content.get("shard_metadata"):
                _read_shard(part, archive, is_first=number == 0)
            else:
                plain.update(_read_plain(archive, shards=len(paths)))
            report(path)
        parts.append({**plain, **_unflatten(part, folder=files.folder)})
    return Checkpoint(parts=tuple(parts), settings=settings)


def _read_plain(archive: Archive, *, shards: int) -> dict[str, LocalTensor]:
    model = _read_model(archive)
    flat = next((name for name in model if "flat_param" in name), None)
    if flat is not None:
        raise UnsupportedCheckpointError(
            f"{archive.path}: {flat} lost its shard_metadata in an old reshard_mp; use the "
            "release of 2023 (v1_20230405), or the shards that it was made from"
        )
    if shards > 1:
        raise UnsupportedCheckpointError(
            f"{archive.path}: is one of {shards} shards but has no shard_metadata; a checkpoint "
            "that is not sharded has one file per part"
        )
    return {name: _locate(archive, tensor) for name, tensor in model.items()}


def _locate(archive: Archive, tensor: TensorRef) -> LocalTensor:
    place = archive.locate(tensor)
    return LocalTensor(shape=tensor.shape, dtype=place.dtype, ranges=(place,))


def _read_model(archive: Archive) -> Mapping[str, TensorRef]:
    model = archive.content.get("model", archive.content)
    items = model.items() if isinstance(model, Mapping) else ()
    tensors = {str(name): value for name, value in items if isinstance(value, TensorRef)}
    if not tensors:
        raise UnsupportedCheckpointError(f"{archive.path}: has no model weights")
    return tensors


def _read_shard(part: dict[str, FlatParameter], archive: Archive, *, is_first: bool) -> None:
    try:
        _add_shard(part, archive, is_first=is_first)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UnsupportedCheckpointError(
            f"{archive.path}: its shard_metadata does not have fairscale's format"
        ) from None


def _add_shard(part: dict[str, FlatParameter], archive: Archive, *, is_first: bool) -> None:
    model = _read_model(archive)
    for module in archive.content["shard_metadata"]["param_metadata"]:
        path = module["fsdp_path"]
        for backing, about in module["params"].items():
            key = _join(path, backing)
            names = tuple(_join(path, name) for name in about["names"])
            shapes = tuple(tuple(int(length) for length in shape) for shape in about["shapes"])
            if is_first:
                only_first = bool(module.get("no_broadcast_optim_state"))
                part[key] = FlatParameter(names, shapes, [], only_first)
            flat = part.get(key)
            if flat is None or (flat.names, flat.shapes) != (names, shapes):
                raise SourceDamagedError(
                    f"{archive.path}: describes {key} differently from the part's first shard; "
                    "files of two checkpoints are mixed, so download this one again"
                )
            if is_first or not flat.only_first:
                flat.pieces.append(_find_piece(archive, model, key, padding=int(about["padding"])))


def _find_piece(
    archive: Archive, model: Mapping[str, TensorRef], key: str, *, padding: int
) -> FileRange:
    if key not in model:
        raise SourceDamagedError(f"{archive.path}: lacks {key}; download it again")
    place = archive.locate(model[key])
    if not 0 <= padding <= place.numel:
        raise SourceDamagedError(f"{archive.path}: {key} has more padding than elements")
    return FileRange(
        path=place.path, begin=place.begin, numel=place.numel - padding, dtype=place.dtype
    )


def _unflatten(part: Mapping[str, FlatParameter], *, folder: Path) -> dict[str, LocalTensor]:
    tensors = {}
    for key, flat in part.items():
        numels = [math.prod(shape) for shape in flat.shapes]
        held, wanted = sum(piece.numel for piece in flat.pieces), sum(numels)
        if held != wanted:
            raise SourceDamagedError(
                f"{folder}: the {len(flat.pieces)} shards of {key} have {held} elements instead of "
                f"{wanted}; shards are missing or from another checkpoint (last: "
                f"{flat.pieces[-1].path.name})"
            )
        begin = 0
        for name, shape, numel in zip(flat.names, flat.shapes, numels, strict=True):
            ranges = slice_ranges(flat.pieces, begin=begin, numel=numel)
            dtype = flat.pieces[0].dtype
            tensors[name] = LocalTensor(shape=shape, dtype=dtype, ranges=ranges)
            begin += numel
    return tensors


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
