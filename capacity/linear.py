"""Least squares for two or three unknowns, so that this package needs no library."""

from __future__ import annotations

from collections.abc import Sequence


def solve_least_squares(rows: Sequence[Sequence[float]], targets: Sequence[float]) -> list[float]:
    """The x that minimises the squares of `rows` x - `targets`, by the normal equations.

    Columns are scaled first, so that their units do not matter. Raises `ZeroDivisionError` if the
    columns are linearly dependent.
    """
    width = len(rows[0])
    scales = [max(abs(row[column]) for row in rows) for column in range(width)]
    scaled = [[value / scale for value, scale in zip(row, scales, strict=True)] for row in rows]
    matrix = [
        [sum(row[i] * row[j] for row in scaled) for j in range(width)]
        + [sum(row[i] * target for row, target in zip(scaled, targets, strict=True))]
        for i in range(width)
    ]
    for pivot in range(width):
        for other in range(width):
            if other != pivot:
                factor = matrix[other][pivot] / matrix[pivot][pivot]
                matrix[other] = [
                    a - factor * b for a, b in zip(matrix[other], matrix[pivot], strict=True)
                ]
    return [matrix[i][width] / matrix[i][i] / scales[i] for i in range(width)]
