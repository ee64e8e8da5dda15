"""The tensors of the converted model, each made row by row from its parts.

A tensor is never whole in memory: `blocks` makes some rows at a time, so memory depends only on
`BLOCK_BYTES`, not on the size or number of layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine_tools.metaseq import names
from engine_tools.metaseq.checkpoint import Checkpoint
from engine_tools.metaseq.errors import UnsupportedCheckpointError
from engine_tools.metaseq.inert_pickle import BYTES
from engine_tools.metaseq.local_tensors import LocalTensor, Span, SpanReader
from engine_tools.metaseq.names import Join

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_BYTES = 32 * 1024**2
FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTensor:
    """A tensor of the output, with the source tensors in the order of the parts."""

    name: str
    join: Join
    parts: tuple[LocalTensor, ...]
    third: int | None = None

    @property
    def dtype(self) -> str:
        """The source's number format."""
        return self.parts[0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        rows, *columns = self.parts[0].shape
        if self.join is Join.ROWS:
            rows = sum(part.rows for part in self.parts) // (1 if self.third is None else 3)
        if self.join is Join.COLUMNS:
            columns = [sum(part.shape[1] for part in self.parts)]
        return (rows, *columns)

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * BYTES[self.dtype]

    def blocks(self, reader: SpanReader) -> Iterator[NDArray[np.uint8]]:
        """The tensor's bytes from first to last row, a few whole rows at a time."""
        step = max(1, BLOCK_BYTES // max(1, self.row_bytes))
        for begin in range(0, self.shape[0], step):
            end = min(begin + step, self.shape[0])
            if self.join is Join.COLUMNS:
                yield self._read_columns(reader, begin, end)
            else:
                yield self._read_rows(reader, begin, end)

    def read_copy(self, reader: SpanReader, part: int) -> NDArray[np.uint8]:
        """All bytes of part `part`'s copy of a tensor that every part has."""
        tensor = self.parts[part]
        block = _make_buffer(tensor.rows * tensor.row_bytes)
        reader.fill(block.data, tensor.spans(begin=0, end=tensor.rows, target=0))
        return block

    def _read_columns(self, reader: SpanReader, begin: int, end: int) -> NDArray[np.uint8]:
        block = _make_buffer(end - begin, self.row_bytes)
        column = 0
        for part in self.parts:
            local = _make_buffer(end - begin, part.row_bytes)
            flat = local.reshape(-1).data
            reader.fill(flat, part.spans(begin=begin, end=end, target=0))
            block[:, column : column + part.row_bytes] = local
            column += part.row_bytes
        return block.reshape(-1)

    def _read_rows(self, reader: SpanReader, begin: int, end: int) -> NDArray[np.uint8]:
        block = _make_buffer((end - begin) * self.row_bytes)
        spans: list[Span] = []
        first = 0
        for part in self.parts if self.join is Join.ROWS else self.parts[:1]:
            count = part.rows if self.third is None else part.rows // 3
            low, high = max(begin, first), min(end, first + count)
            if low < high:
                skipped = (self.third or 0) * count - first
                target = (low - begin) * self.row_bytes
                spans += part.spans(begin=low + skipped, end=high + skipped, target=target)
            first += count
        reader.fill(block.data, spans)
        return block


def _make_buffer(*shape: int) -> NDArray[np.uint8]:
    import numpy as np

    return np.empty(shape, np.uint8)


def plan_tensors(checkpoint: Checkpoint) -> list[OutputTensor]:
    """All tensors of the output in the order of the model, `lm_head` included if the source has it.

    Raises `UnsupportedCheckpointError` naming a tensor that OPT does not have.
    """
    first = checkpoint.parts[0]
    _refuse_differences(checkpoint)
    kept = [name for name in first if name not in names.IGNORED]
    unknown = sorted(name for name in kept if names.order_of(name) is None)
    if unknown:
        raise UnsupportedCheckpointError(
            f"this is not an OPT: OPTForCausalLM lacks {len(unknown)} of its tensors, the first is "
            f"{unknown[0]}"
        )
    kept.sort(key=lambda name: names.order_of(name) or (0, 0, 0))
    tensors = []
    for name in kept:
        parts = tuple(part[name] for part in checkpoint.parts)
        if parts[0].dtype not in FLOATS:
            raise UnsupportedCheckpointError(f"{name}: is {parts[0].dtype}, not a floating type")
        for target in names.targets_of(name):
            _refuse_shapes(name, target, parts)
            tensors.append(
                OutputTensor(name=target.name, join=target.join, parts=parts, third=target.third)
            )
    return tensors


def _refuse_differences(checkpoint: Checkpoint) -> None:
    first = checkpoint.parts[0]
    for number, part in enumerate(checkpoint.parts):
        odd = sorted(first.keys() ^ part.keys())
        if odd:
            raise UnsupportedCheckpointError(
                f"{odd[0]}: is in one of the tensor-parallel parts 0 and {number} but not in both; "
                "files of two checkpoints are mixed"
            )


def _refuse_shapes(name: str, target: names.Target, parts: Sequence[LocalTensor]) -> None:
    free = {Join.ROWS: 0, Join.COLUMNS: 1, Join.SAME: None}[target.join]
    fixed = {
        (part.dtype, tuple(size for axis, size in enumerate(part.shape) if axis != free))
        for part in parts
    }
    dimensions = {len(part.shape) for part in parts}
    if len(fixed) != 1 or dimensions - {1, 2} or (free == 1 and dimensions != {2}):
        shapes = ", ".join(str(list(part.shape)) for part in parts)
        raise UnsupportedCheckpointError(f"{name}: its parts do not fit together: {shapes}")
    if target.third is not None and any(part.rows % 3 for part in parts):
        raise UnsupportedCheckpointError(f"{name}: its rows are not keys, values and queries")
