"""Conversion from the checkpoint's number format to the requested one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine_tools.metaseq.errors import UnsupportedCheckpointError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def cast(block: NDArray[np.uint8], *, source: str, target: str, name: str) -> NDArray[np.uint8]:
    """Bytes of `source` as bytes of `target`, rounded to nearest; the same object if equal.

    Raises `UnsupportedCheckpointError` if a finite number becomes infinite.
    """
    if source == target:
        return block
    import torch

    numbers = torch.from_numpy(block).view(getattr(torch, source))
    result = numbers.to(getattr(torch, target))
    if not bool((result.isfinite() == numbers.isfinite()).all()):
        raise UnsupportedCheckpointError(
            f"{name}: has numbers that {target} cannot represent; use --dtype bfloat16 or float32"
        )
    converted: NDArray[np.uint8] = result.view(torch.uint8).numpy()
    return converted


def largest_difference(one: NDArray[np.uint8], other: NDArray[np.uint8], *, dtype: str) -> float:
    """The largest absolute difference between two tensors that are given as bytes."""
    import torch

    kind = getattr(torch, dtype)
    numbers = [torch.from_numpy(block).view(kind).to(torch.float64) for block in (one, other)]
    return float((numbers[0] - numbers[1]).abs().max())
