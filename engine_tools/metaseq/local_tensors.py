"""Tensors in a checkpoint's files: lists of byte ranges, read in pieces."""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Self

from engine_tools.metaseq.errors import SourceDamagedError
from engine_tools.metaseq.inert_pickle import BYTES
from engine_tools.metaseq.torch_archive import FileRange


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file, to be placed at offset `target` of a buffer."""

    path: Path
    begin: int
    length: int
    target: int


@dataclass(frozen=True, kw_only=True)
class LocalTensor:
    """One tensor of one tensor-parallel part, row-major, over one or more files."""

    shape: tuple[int, ...]
    dtype: str
    ranges: tuple[FileRange, ...]

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1

    @property
    def row_elements(self) -> int:
        return math.prod(self.shape[1:])

    @property
    def row_bytes(self) -> int:
        return self.row_elements * BYTES[self.dtype]

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(accumulate((piece.numel for piece in self.ranges), initial=0))

    def spans(self, *, begin: int, end: int, target: int) -> Iterator[Span]:
        """Where the rows from `begin` to `end` are, to be placed at byte `target` and after it."""
        item = BYTES[self.dtype]
        position, stop = begin * self.row_elements, end * self.row_elements
        index = bisect_right(self._starts, position) - 1
        while position < stop:
            piece, start = self.ranges[index], self._starts[index]
            count = min(stop, start + piece.numel) - position
            if count > 0:
                offset = piece.begin + (position - start) * item
                yield Span(piece.path, offset, count * item, target)
            target += count * item
            position += count
            index += 1


def slice_ranges(pieces: Sequence[FileRange], *, begin: int, numel: int) -> tuple[FileRange, ...]:
    """The ranges of `numel` elements from element `begin` of the joined `pieces`."""
    found, start, end = [], 0, begin + numel
    for piece in pieces:
        low, high = max(begin, start), min(end, start + piece.numel)
        if low < high:
            offset = piece.begin + (low - start) * BYTES[piece.dtype]
            found.append(
                FileRange(path=piece.path, begin=offset, numel=high - low, dtype=piece.dtype)
            )
        start += piece.numel
    return tuple(found)


class SpanReader:
    """Fills buffers from files, with several parallel reads. A context manager."""

    def __init__(self, *, jobs: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="read")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def fill(self, buffer: memoryview, spans: Iterable[Span]) -> None:
        """Read every span to its place. Raises `SourceDamagedError` if a file ends too early."""
        for _done in self._pool.map(lambda span: _read(span, buffer), list(spans)):
            pass


def _read(span: Span, buffer: memoryview) -> None:
    target, begin, left = span.target, span.begin, span.length
    file = os.open(span.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while left:
            count = os.preadv(file, [buffer[target : target + left]], begin)
            if count == 0:
                raise SourceDamagedError(f"{span.path}: is truncated; download it again")
            target, begin, left = target + count, begin + count, left - count
    finally:
        os.close(file)
