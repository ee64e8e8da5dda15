"""Sharded safetensors, written from front to back.

The format is eight bytes with the length of a header, the header as JSON, and the tensors in the
order of their offsets (github.com/huggingface/safetensors, README, "Format"). The library can only
write shards that are whole in memory, which is too much for 5 GB; so the header, known beforehand,
is written here, and the tests read the result with the library.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine_tools.metaseq.inert_pickle import BYTES
from engine_tools.metaseq.output_tensors import OutputTensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INDEX = "model.safetensors.index.json"
DTYPES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32"}
ALIGNMENT = 8
CHUNK = 16 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One file of the output, before it is written."""

    name: str
    tensors: tuple[OutputTensor, ...]
    dtype: str

    @property
    def header(self) -> bytes:
        """The file's bytes before its first number."""
        entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
        begin = 0
        for tensor in self.tensors:
            end = begin + tensor_bytes(tensor, self.dtype)
            entries[tensor.name] = {
                "dtype": DTYPES[self.dtype],
                "shape": list(tensor.shape),
                "data_offsets": [begin, end],
            }
            begin = end
        text = json.dumps(entries, separators=(",", ":")).encode()
        text += b" " * (-len(text) % ALIGNMENT)
        return len(text).to_bytes(8, "little") + text

    @property
    def data_bytes(self) -> int:
        return sum(tensor_bytes(tensor, self.dtype) for tensor in self.tensors)

    @property
    def size(self) -> int:
        """The size of the whole file, in bytes."""
        return len(self.header) + self.data_bytes

    def is_whole(self, folder: Path) -> bool:
        """True if the file exists with exactly this header and size.

        It gets its name only after it is written and flushed, so that is enough.
        """
        path, header = folder / self.name, self.header
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as file:
            return file.read(len(header)) == header


def tensor_bytes(tensor: OutputTensor, dtype: str) -> int:
    return math.prod(tensor.shape) * BYTES[dtype]


def plan_shards(tensors: Iterable[OutputTensor], *, dtype: str, max_bytes: int) -> list[Shard]:
    """Fill shards in order; a tensor that is larger than `max_bytes` gets its own shard."""
    groups: list[list[OutputTensor]] = [[]]
    used = 0
    for tensor in tensors:
        size = tensor_bytes(tensor, dtype)
        if groups[-1] and used + size > max_bytes:
            groups.append([])
            used = 0
        groups[-1].append(tensor)
        used += size
    return [
        Shard(
            name=f"model-{number:05d}-of-{len(groups):05d}.safetensors",
            tensors=tuple(group),
            dtype=dtype,
        )
        for number, group in enumerate(groups, start=1)
    ]


def write_shard(
    folder: Path,
    shard: Shard,
    *,
    read: Callable[[OutputTensor], Iterator[NDArray[np.uint8]]],
    report: Callable[[int], None],
) -> str:
    """Write the shard atomically, and return the file's SHA-256.

    `read` returns a tensor's bytes in the shard's dtype; `report` gets the number of bytes written.
    """
    partial = folder / f"{shard.name}.partial"
    digest = hashlib.sha256(shard.header)
    with partial.open("wb") as file:
        file.write(shard.header)
        for tensor in shard.tensors:
            for block in read(tensor):
                file.write(block.data)
                digest.update(block.data)
                report(block.nbytes)
        file.flush()
        os.fsync(file.fileno())
    if partial.stat().st_size != shard.size:
        raise AssertionError(f"{partial} does not have the size that its header says")
    partial.rename(folder / shard.name)
    return digest.hexdigest()


def hash_file(path: Path, algorithm: str, *, report: Callable[[int], None]) -> str:
    """A file's digest in hexadecimal."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        while block := file.read(CHUNK):
            digest.update(block)
            report(len(block))
    return digest.hexdigest()


def build_index(shards: Iterable[Shard]) -> dict[str, object]:
    """The contents of `model.safetensors.index.json`."""
    shards = list(shards)
    weight_map = {tensor.name: shard.name for shard in shards for tensor in shard.tensors}
    total = sum(shard.data_bytes for shard in shards)
    return {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
