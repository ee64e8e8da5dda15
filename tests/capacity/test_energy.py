"""Electricity and carbon of tokens."""

from __future__ import annotations

import pytest

from capacity.energy import Power, assume_power, count_energy
from tests.capacity.placements import place


def test_a_kilowatt_at_a_thousand_tokens_a_second() -> None:
    power = Power(
        watts=3600, is_measured=True, carbon_intensity=500.0, power_usage_effectiveness=1.0
    )
    energy = count_energy(power, tokens_per_second=1000)
    assert energy.kwh_per_1000_tokens == pytest.approx(0.001)
    assert energy.grams_co2e_per_1000_tokens == pytest.approx(0.5)
    assert energy.tokens_like_training == pytest.approx(150e9)


def test_a_clean_grid_never_reaches_the_training() -> None:
    power = Power(watts=100, is_measured=True, carbon_intensity=0.0)
    assert count_energy(power, tokens_per_second=1).tokens_like_training == float("inf")


def test_without_a_measurement_a_share_of_the_rated_power_is_assumed() -> None:
    placement = place("opt-175b", "a100-80gb", tensor=8, pipeline=2)
    assumed, measured = assume_power(placement), assume_power(placement, watts=5000)
    assert assumed.watts == pytest.approx(0.6 * 400 * 16)
    assert not assumed.is_measured
    assert (measured.watts, measured.is_measured) == (5000, True)


def test_with_its_grid_the_llama_papers_table_comes_out() -> None:
    # arXiv 2302.13971, table 15: OPT-175B, 809,472 GPU-hours at 400 W: 356 MWh, 137 t CO2e.
    hours = 809_472
    power = Power(watts=400, is_measured=True, carbon_intensity=385.0)
    an_hour_is_1000_tokens = count_energy(power, tokens_per_second=1000 / 3600)
    assert hours * an_hour_is_1000_tokens.kwh_per_1000_tokens == pytest.approx(356e3, rel=0.002)
    assert hours * an_hour_is_1000_tokens.grams_co2e_per_1000_tokens == pytest.approx(
        137e6, rel=0.002
    )
