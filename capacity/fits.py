"""The GPUs, and numbers of GPUs, that can hold a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from capacity.errors import PlanError
from capacity.gpus import GPUS, Gpu
from capacity.plan import Plan, PlanRequest, make_plan

COUNTS: Final = (1, 2, 4, 8, 16, 32)
"""Parts of a host, a whole host, and up to four hosts."""


def list_fits(request: PlanRequest, *, gpus: Iterable[Gpu] = ()) -> list[Plan]:
    """A plan for each GPU and each of `COUNTS` that can hold the model, fewest GPUs first.

    The request's own GPU and count are ignored; no `gpus` means all known ones. Impossible layouts
    (number format, division of heads) are left out.
    """
    return [
        plan
        for gpu in gpus or GPUS.values()
        for plan in _list_counts(replace(request, gpu=gpu, batch=None))
        if plan.memory.fits
    ]


def _list_counts(request: PlanRequest) -> Iterator[Plan]:
    for count in COUNTS:
        try:
            yield make_plan(replace(request, count=count))
        except PlanError as error:
            if error.field not in {
                "count", "dtype", "tensor_parallel_size", "pipeline_parallel_size",
            }:  # fmt: skip
                raise
