"""The whole answer, or the field that is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from capacity.errors import PlanError
from capacity.fits import list_fits
from capacity.gpus import GPUS
from capacity.memory import MemoryAssumptions
from capacity.plan import PlanRequest, make_plan
from capacity.shapes import SHAPES

OPT_ON_8_A100 = PlanRequest(shape=SHAPES["opt-175b"], gpu=GPUS["a100-80gb"], count=8)


def test_opt_175b_on_eight_a100s() -> None:
    plan = make_plan(OPT_ON_8_A100)

    assert [speed.batch for speed in plan.speeds] == [1, 8, 29]
    assert plan.speed is plan.speeds[-1]
    first = plan.speeds[0]
    assert first.floor_ms == pytest.approx(22.0, abs=0.05)
    assert first.floor_tokens_per_second == pytest.approx(1e3 / first.floor_ms)
    for speed in plan.speeds:
        assert speed.floor_ms < speed.expected_ms
        assert speed.expected_tokens_per_second < speed.floor_tokens_per_second
    assert plan.users is not None
    assert (plan.users.expected, plan.users.at_best, plan.users.at_memory) == (29, 29, 29)


def test_fewer_users_are_served_at_a_tighter_target() -> None:
    plans = [make_plan(replace(OPT_ON_8_A100, target_ms=target)) for target in (100, 60, 50, 20)]
    users = [plan.users for plan in plans if plan.users]
    assert [user.at_best for user in users] == [29, 29, 29, 0]
    expected = [user.expected for user in users]
    assert expected == sorted(expected, reverse=True)
    assert (expected[0], expected[-1]) == (29, 0)
    for plan, target in zip(plans[:3], (100, 60, 50), strict=True):
        assert plan.users is not None
        just = make_plan(replace(OPT_ON_8_A100, batch=plan.users.expected)).speed
        assert just is not None
        assert just.expected_ms <= target


def test_a_batch_that_was_asked_for_is_among_the_speeds() -> None:
    plan = make_plan(replace(OPT_ON_8_A100, batch=20, context=1024))
    assert [speed.batch for speed in plan.speeds] == [1, 8, 20, 32]
    assert plan.speed is not None
    assert plan.speed.batch == 20


def test_energy_is_shared_by_the_batch() -> None:
    plan = make_plan(replace(OPT_ON_8_A100, power_watts=2000, carbon_intensity=50))
    alone, full = plan.speeds[0], plan.speeds[-1]
    kwh = 2000 * 1.1 * alone.expected_ms / 3.6e6
    assert alone.energy.kwh_per_1000_tokens == pytest.approx(kwh)
    assert alone.energy.grams_co2e_per_1000_tokens == pytest.approx(50 * kwh)
    assert full.energy.kwh_per_1000_tokens < alone.energy.kwh_per_1000_tokens


def test_what_does_not_fit_has_a_reason_and_no_speeds() -> None:
    plan = make_plan(replace(OPT_ON_8_A100, gpu=GPUS["a100-40gb"], batch=3))
    assert (plan.memory.fits, plan.speeds, plan.speed, plan.users) == (False, (), None, None)
    assert plan.memory.why_not.startswith("The weights take 40.7 GiB")


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"context": 2049}, "context", "must be 1 to 2048 tokens for opt-175b"),
        ({"context": 0}, "context", "must be 1 to 2048 tokens for opt-175b"),
        ({"batch": 0}, "batch", "must be at least 1"),
        (
            {"batch": 30},
            "batch",
            "30 sequences of 2048 tokens do not fit, but 29 do; lower the batch or the context",
        ),
        ({"dtype": "int3"}, "dtype", "must be one of float32, float16, bfloat16"),
        ({"target_ms": 0}, "target_ms", "must be more than 0"),
        ({"target_ms": float("nan")}, "target_ms", "must be more than 0"),
        ({"power_watts": -1}, "power_watts", "must be more than 0"),
        ({"carbon_intensity": -1}, "carbon_intensity", "must be 0 or more"),
        (
            {"memory": MemoryAssumptions(gpu_memory_utilization=1.1)},
            "gpu_memory_utilization",
            "must be above 0 and at most 1",
        ),
        (
            {"gpu": GPUS["v100-32gb"], "dtype": "bfloat16"},
            "dtype",
            "V100-SXM2 32 GB (compute capability 7.0) has no bfloat16; use float16",
        ),
    ],
)
def test_a_question_without_an_answer_names_the_field(
    changes: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(PlanError) as caught:
        make_plan(replace(OPT_ON_8_A100, **changes))
    assert (caught.value.field, caught.value.message) == (field, message)


def test_all_combinations_that_fit_are_listed() -> None:
    fits = [(plan.placement.gpu.slug, plan.request.count) for plan in list_fits(OPT_ON_8_A100)]
    assert fits == [
        ("v100-32gb", 16), ("v100-32gb", 32),
        ("a100-40gb", 16), ("a100-40gb", 32),
        ("a100-80gb", 8), ("a100-80gb", 16), ("a100-80gb", 32),
        ("h100-80gb", 8), ("h100-80gb", 16), ("h100-80gb", 32),
        ("h200-141gb", 4), ("h200-141gb", 8), ("h200-141gb", 16), ("h200-141gb", 32),
        ("a6000", 8), ("a6000", 16), ("a6000", 32),
        ("l40s", 16), ("l40s", 32),
        ("l4", 32),
        ("t4", 32),
    ]  # fmt: skip


def test_a_gpu_without_the_number_format_is_not_listed() -> None:
    request = replace(OPT_ON_8_A100, dtype="bfloat16")
    assert list_fits(request, gpus=[GPUS["v100-32gb"], GPUS["t4"]]) == []


def test_what_no_combination_can_answer_is_an_error() -> None:
    with pytest.raises(PlanError):
        list_fits(replace(OPT_ON_8_A100, context=9999))
