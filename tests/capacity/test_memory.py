"""What fits, compared with published figures."""

from __future__ import annotations

import pytest

from capacity.memory import (
    ENGINE_RESERVE_BYTES,
    GIB,
    MemoryAssumptions,
    count_need,
    plan_memory,
    spread_need,
)
from capacity.parallel import Layout
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


def test_what_an_engine_keeps_is_taken_from_every_gpu() -> None:
    free = plan_memory(OPT_ON_8_A100, context=2048)
    reserved = plan_memory(
        OPT_ON_8_A100,
        context=2048,
        assumptions=MemoryAssumptions(reserve_bytes_per_gpu=ENGINE_RESERVE_BYTES),
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
    assert memory.why_not == "The weights take 40.7 GiB of each GPU, but only 36.8 GiB are usable."


def test_weights_that_leave_too_little_room_are_named_with_what_fits() -> None:
    half = MemoryAssumptions(reserve_bytes_per_gpu=GIB // 2)
    memory = plan_memory(place("opt-6.7b", "t4"), context=2048, assumptions=half)
    assert memory.why_not == "Beside the weights, 1824 tokens fit, fewer than one sequence of 2048."


def test_stages_hold_their_layers_and_the_ends_the_embeddings() -> None:
    shape = SHAPES["opt-66b"]
    layer, outside = shape.layer_parameters, shape.parameters_outside_layers
    head = shape.vocab_size * shape.hidden_size

    need = count_need(shape, Layout(pipeline_parallel_size=3), dtype="float16")

    # 64 layers in 3 stages: vLLM gives the remainder to the stage before the last.
    assert tuple(stage.weight_bytes for stage in need.stages) == (
        2 * (21 * layer + outside),
        2 * 22 * layer,
        2 * (21 * layer + head),
    )


def test_heads_that_are_fewer_than_ranks_are_held_by_each() -> None:
    # SmolLM2 has 3 heads of keys and values: on 9 ranks each keeps a whole one.
    few = plan_memory(place("smollm2-135m", "t4", tensor=3), context=1024)
    many = plan_memory(place("smollm2-135m", "t4", tensor=9), context=1024)
    assert many.kv_slots == pytest.approx(few.kv_slots, rel=0.01)


def test_a_stage_holds_the_keys_and_values_of_its_layers() -> None:
    shape = SHAPES["opt-175b"]
    layout = Layout(tensor_parallel_size=8, pipeline_parallel_size=2)

    need = count_need(shape, layout, dtype="float16")

    assert [stage.kv_bytes_per_token for stage in need.stages] == [294_912, 294_912]
    assert need.kv_bytes_per_token == 16 * 294_912 == 4_718_592


@pytest.mark.parametrize(("ranks", "copies"), [(1, 1), (3, 1), (9, 3)])
def test_ranks_share_keys_and_values_until_each_has_one_head(ranks: int, copies: int) -> None:
    shape = SHAPES["smollm2-135m"]
    assert shape.kv_heads == 3

    need = count_need(shape, Layout(tensor_parallel_size=ranks), dtype="float32")

    of_one_head = 2 * shape.num_hidden_layers * shape.head_size * 4
    assert need.kv_bytes_per_token == copies * 3 * of_one_head


def test_weights_of_which_only_the_size_is_known_are_spread_over_the_layers() -> None:
    shape = SHAPES["opt-66b"]
    layout = Layout(tensor_parallel_size=4, pipeline_parallel_size=3)

    need = spread_need(shape, layout, dtype="float16", weight_bytes=64_000)

    assert [stage.weight_bytes for stage in need.stages] == [21_000 // 4, 22_000 // 4, 21_000 // 4]
    assert need.weight_bytes == 64_000


def test_slots_are_those_of_the_stage_with_the_least_room() -> None:
    layout = Layout(pipeline_parallel_size=2)
    need = count_need(SHAPES["opt-125m"], layout, dtype="float16")
    token = need.stages[0].kv_bytes_per_token

    assert need.count_slots([100 * token, 40 * token]) == 32
    assert need.count_slots([100 * token, -1]) == 0
