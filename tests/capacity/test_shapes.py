"""Counted parameters against the published ones."""

from __future__ import annotations

import pytest

from capacity.shapes import SHAPES


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Counted on the models that transformers builds from these dimensions, tied ones once.
        ("opt-125m", 125_239_296),
        ("opt-350m", 331_196_416),
        ("opt-1.3b", 1_315_758_080),
        ("opt-2.7b", 2_651_596_800),
        ("opt-6.7b", 6_658_473_984),
        ("opt-13b", 12_853_473_280),
        ("opt-30b", 29_974_540_288),
        ("opt-66b", 65_719_701_504),
        ("smollm2-135m", 134_515_008),
        ("gpt-neox-20b", 20_554_567_680),
        ("bloom-176b", 176_247_271_424),
    ],
)
def test_parameters_are_those_of_the_checkpoint(name: str, parameters: int) -> None:
    assert SHAPES[name].parameters == parameters


def test_opt_175b_in_bytes() -> None:
    shape = SHAPES["opt-175b"]
    assert shape.parameters == 174_604_468_224
    assert shape.weight_bytes("float16") == 349_208_936_448


def test_a_step_reads_all_but_the_tables_it_looks_rows_up_in() -> None:
    opt, neox, bloom = (SHAPES[name] for name in ("opt-175b", "gpt-neox-20b", "bloom-176b"))
    assert opt.parameters - opt.parameters_read == 2050 * 12288
    assert neox.parameters - neox.parameters_read == 50432 * 6144
    assert bloom.parameters == bloom.parameters_read


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_layers_and_the_rest_make_up_the_whole(name: str) -> None:
    shape = SHAPES[name]
    layers = shape.num_hidden_layers * shape.layer_parameters
    assert layers + shape.parameters_outside_layers == shape.parameters
