"""Values of a metric as rows of step, tokens, time and value: their bytes, and their thinning.

Steps, tokens and microseconds are whole numbers below 2**53, which floats hold exactly.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from portal.library.logbook.enums import Axis

Points: TypeAlias = npt.NDArray[np.float64]
"""One row per value, in the order of steps; tokens or time that were not recorded are 0."""
COLUMN: Final = {Axis.STEP: 0, Axis.TOKENS: 1, Axis.TIME: 2}
VALUE: Final = 3
WIDTH: Final = 4
KEPT: Final = 4
"""Values that thinning keeps of each group: the first, the lowest, the highest and the last."""
BLOCK: Final = 1024
"""Values in one row of the database."""


def split_blocks(points: Points) -> Iterator[Points]:
    for start in range(0, len(points), BLOCK):
        yield points[start : start + BLOCK]


def write_points(points: Points) -> bytes:
    """The points without any loss: clocks as differences, which compress to little."""
    clocks = points[:, :VALUE].astype("<i8")
    differences = np.diff(clocks, axis=0, prepend=np.zeros((1, VALUE), "<i8"))
    values = points[:, VALUE].astype("<f8")
    return zlib.compress(differences.T.tobytes() + values.tobytes(), 1)


def read_points(data: bytes | memoryview, *, count: int) -> Points:
    raw = zlib.decompress(data)
    points = np.empty((count, WIDTH))
    differences = np.frombuffer(raw, "<i8", VALUE * count).reshape(VALUE, count)
    points[:, :VALUE] = differences.cumsum(axis=1).T
    points[:, VALUE] = np.frombuffer(raw, "<f8", offset=8 * VALUE * count)
    return points


def write_outline(points: Points) -> bytes:
    """What thinning keeps of one group, uncompressed."""
    return thin(points, groups=1).astype("<f8").tobytes()


def read_outlines(outlines: list[bytes]) -> Points:
    return np.frombuffer(b"".join(outlines), "<f8").reshape(-1, WIDTH)


def thin(points: Points, *, groups: int) -> Points:
    """At most `groups` groups of consecutive points; of each the first, lowest, highest and last.

    All keep their place and value, so no spike is lost. A group with values that are not finite
    keeps the first of these too. Few points are returned unchanged.
    """
    size = -(-len(points) // groups)
    if size <= KEPT and groups > 1:
        return points
    starts = np.arange(0, len(points), size)
    kept = [starts, np.minimum(starts + size, len(points)) - 1]
    values = points[:, VALUE]
    is_finite = np.isfinite(values)
    for filler, find in ((np.inf, np.argmin), (-np.inf, np.argmax)):
        padded = np.full(len(starts) * size, filler)
        padded[: len(points)] = np.where(is_finite, values, filler)
        kept.append(starts + find(padded.reshape(-1, size), axis=1))
    broken = np.flatnonzero(~is_finite)
    kept.append(broken[np.unique(broken // size, return_index=True)[1]])
    thinned: Points = points[np.unique(np.concatenate(kept))]
    return thinned
