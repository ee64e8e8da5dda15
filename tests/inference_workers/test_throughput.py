"""Rates over ten seconds, and how coarse a stream may be."""

from __future__ import annotations

import pytest

from inference_workers.generation.throughput import StreamSpeed, Throughput, choose_stream_interval


def test_rate_is_over_the_last_ten_seconds() -> None:
    now = 100.0
    throughput = Throughput(clock=lambda: now)
    throughput.add(100)
    now += 6
    throughput.add(50)
    assert throughput.rate() == 15.0

    now += 6
    assert throughput.rate() == 5.0

    now += 6
    assert throughput.rate() == 0.0


def test_speed_of_a_stream_follows_its_chunks() -> None:
    speed = StreamSpeed()
    assert speed.tokens_per_second == 0.0
    speed.observe(tokens=2, seconds=0.1)
    assert speed.tokens_per_second == pytest.approx(20.0)
    for _ in range(200):
        speed.observe(tokens=4, seconds=0.1)
    assert speed.tokens_per_second == pytest.approx(40.0, rel=0.01)
    speed.observe(tokens=1, seconds=0.0)
    assert speed.tokens_per_second == pytest.approx(40.0, rel=0.01)


@pytest.mark.parametrize(
    ("tokens_per_second", "streams", "interval"),
    [
        (0.0, 0, 1),
        (0.0, 30, 1),
        (500.0, 7, 1),
        (14.0, 30, 1),
        (100.0, 30, 4),
        (10_000.0, 30, 16),
    ],
)
def test_stream_interval(tokens_per_second: float, streams: int, interval: int) -> None:
    chosen = choose_stream_interval(tokens_per_second=tokens_per_second, streams=streams)

    assert chosen == interval


@pytest.mark.parametrize("tokens_per_second", [20.0, 47.0, 100.0, 399.0])
def test_reader_is_left_ten_updates_a_second_when_the_speed_halves(
    tokens_per_second: float,
) -> None:
    interval = choose_stream_interval(tokens_per_second=tokens_per_second, streams=32)

    assert tokens_per_second / 2 / interval >= 10.0
