"""What fits, against what was published."""

from __future__ import annotations

import pytest

from capacity.memory import GIB, MemoryAssumptions, plan_memory, weight_bytes_by_stage
from capacity.shapes import SHAPES
from tests.capacity.placements import place

OPT_ON_8_A100 = place("opt-175b", "a100-80gb", tensor=8)


def test_opt_175b_on_eight_a100s_is_table_1_of_the_vllm_paper() -> None:
    # arXiv 2309.06180: 346 GB of parameters, 264 GB (GiB) for the cache, 60.1K slots.
    memory = plan_memory(OPT_ON_8_A100, context=2048)

    assert memory.weight_bytes == pytest.approx(346e9, rel=0.01)
    assert memory.kv_bytes / GIB == pytest.approx(264, rel=0.005)
    assert memory.kv_slots == pytest.approx(60_100, rel=0.005)
    assert (memory.full_sequences, memory.fits, memory.why_not) == (29, True, "")


def test_a_reserve_is_taken_from_every_gpu() -> None:
    free = plan_memory(OPT_ON_8_A100, context=2048)
    reserved = plan_memory(
        OPT_ON_8_A100,
        context=2048,
        assumptions=MemoryAssumptions(reserve_bytes_per_gpu=3 * GIB),
    )

    assert free.kv_bytes - reserved.kv_bytes == 8 * 3 * GIB
    assert reserved.full_sequences == 26


def test_slots_are_whole_blocks() -> None:
    blocks = MemoryAssumptions(block_size=1000)
    assert plan_memory(OPT_ON_8_A100, context=2048, assumptions=blocks).kv_slots == 59_000


@pytest.mark.parametrize(
    ("gpu", "tensor", "pipeline", "sequences"),
    [
        ("v100-32gb", 16, 1, 16),
        ("a100-40gb", 8, 1, 0),
        ("a100-40gb", 8, 2, 29),
        ("a100-80gb", 4, 1, 0),
        ("a100-80gb", 8, 2, 94),
        ("h200-141gb", 4, 1, 21),
    ],
)
def test_opt_175b_elsewhere(gpu: str, tensor: int, pipeline: int, sequences: int) -> None:
    memory = plan_memory(place("opt-175b", gpu, tensor=tensor, pipeline=pipeline), context=2048)
    assert (memory.full_sequences, memory.fits) == (sequences, sequences > 0)


def test_weights_that_do_not_fit_are_named_with_what_there_is() -> None:
    memory = plan_memory(place("opt-175b", "a100-40gb", tensor=8), context=2048)
    assert (memory.kv_slots, memory.kv_bytes) == (0, 0)
    assert memory.why_not == "The weights take 40.7 GiB of each GPU, and 36.8 GiB are to be had."


def test_weights_that_leave_too_little_room_are_named_with_what_fits() -> None:
    half = MemoryAssumptions(reserve_bytes_per_gpu=GIB // 2)
    memory = plan_memory(place("opt-6.7b", "t4"), context=2048, assumptions=half)
    assert memory.why_not == "Beside the weights 1824 tokens fit, fewer than one sequence of 2048."


def test_stages_hold_their_layers_and_the_ends_the_embeddings() -> None:
    shape = SHAPES["opt-66b"]
    layer, outside = shape.layer_parameters, shape.parameters_outside_layers
    head = shape.vocab_size * shape.hidden_size

    stages = weight_bytes_by_stage(place("opt-66b", "a100-80gb", pipeline=3))

    # 64 layers in 3 stages: vLLM gives what is left over to the stage before the last.
    assert stages == (
        2 * (21 * layer + outside),
        2 * 22 * layer,
        2 * (21 * layer + head),
    )


def test_heads_that_are_fewer_than_ranks_are_held_by_each() -> None:
    # SmolLM2 has 3 heads of keys and values: on 9 ranks each keeps a whole one.
    few = plan_memory(place("smollm2-135m", "t4", tensor=3), context=1024)
    many = plan_memory(place("smollm2-135m", "t4", tensor=9), context=1024)
    assert many.kv_slots == pytest.approx(few.kv_slots, rel=0.01)
