from __future__ import annotations

from benchmarks.gpu.scaling import LayerTime, separate


def test_two_counts_of_layers_give_the_time_of_one_and_of_the_rest() -> None:
    assert separate((8, 10.0), (16, 18.0)) == LayerTime(layer=1.0, beside=2.0)


def test_scaling_to_the_layers_that_were_run_gives_their_time() -> None:
    time = separate((8, 10.0), (16, 18.0))

    assert time is not None
    assert [time.scale(layers) for layers in (8, 16, 96)] == [10.0, 18.0, 98.0]


def test_layers_that_take_no_time_cannot_be_scaled() -> None:
    assert separate((8, 10.0), (16, 10.0)) is None
    assert separate((8, 10.0), (16, 9.0)) is None
