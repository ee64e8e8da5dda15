"""How a model is split among GPUs."""

from __future__ import annotations

import pytest

from capacity.errors import PlanError
from capacity.parallel import choose_layout, split_layers
from capacity.shapes import SHAPES


@pytest.mark.parametrize(
    ("model", "count", "tensor", "pipeline"),
    [
        ("opt-175b", 8, 8, 1),
        ("opt-175b", 16, 8, 2),
        ("opt-175b", 5, 1, 5),
        ("opt-175b", 12, 6, 2),
        ("smollm2-135m", 9, 3, 3),
        ("smollm2-135m", 8, 1, 8),
    ],
)
def test_tensor_parallelism_is_used_inside_a_host_and_stages_beyond(
    model: str, count: int, tensor: int, pipeline: int
) -> None:
    layout = choose_layout(SHAPES[model], count=count)
    assert (layout.tensor_parallel_size, layout.pipeline_parallel_size) == (tensor, pipeline)


def test_one_size_given_leaves_the_other() -> None:
    shape = SHAPES["opt-175b"]
    sixteen = choose_layout(shape, count=16, tensor_parallel_size=16)
    on_one_host = choose_layout(shape, count=16, tensor_parallel_size=16, gpus_per_host=16)
    assert (sixteen.pipeline_parallel_size, sixteen.crosses_hosts) == (1, True)
    assert not on_one_host.crosses_hosts
    assert choose_layout(shape, count=16, pipeline_parallel_size=4).tensor_parallel_size == 4


@pytest.mark.parametrize(
    ("sizes", "field", "message"),
    [
        ({"count": 0}, "count", "at least 1 GPU is needed"),
        ({"count": 97 * 2}, "count", "194 GPUs cannot share opt-175b; try fewer"),
        (
            {"count": 8, "tensor_parallel_size": 3},
            "tensor_parallel_size",
            "8 GPUs cannot be split into groups of 3",
        ),
        (
            {"count": 8, "pipeline_parallel_size": 0},
            "pipeline_parallel_size",
            "8 GPUs cannot be split into groups of 0",
        ),
        (
            {"count": 16, "tensor_parallel_size": 8, "pipeline_parallel_size": 1},
            "tensor_parallel_size",
            "8 ranks in 1 stages are 8 GPUs, not 16",
        ),
        (
            {"count": 97, "tensor_parallel_size": 1},
            "pipeline_parallel_size",
            "97 stages cannot share the 96 layers of opt-175b",
        ),
    ],
)
def test_what_cannot_be_cut_names_the_field(
    sizes: dict[str, int], field: str, message: str
) -> None:
    with pytest.raises(PlanError) as caught:
        choose_layout(SHAPES["opt-175b"], **sizes)
    assert (caught.value.field, caught.value.message) == (field, message)


def test_heads_that_cannot_be_shared_name_the_sizes_that_can() -> None:
    with pytest.raises(PlanError) as caught:
        choose_layout(SHAPES["smollm2-135m"], count=2, tensor_parallel_size=2)
    assert caught.value.message == (
        "2 ranks cannot share the 9 heads of smollm2-135m (possible: 1, 3)"
    )


def test_layers_left_over_go_before_the_last_stage() -> None:
    assert split_layers(96, stages=2) == (48, 48)
    assert split_layers(98, stages=4) == (24, 25, 25, 24)
    assert split_layers(95, stages=2) == (48, 47)
