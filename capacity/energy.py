"""Electricity and carbon of generated tokens.

    kWh = watts x power usage effectiveness x seconds / 3.6e6;  g CO2e = kWh x carbon intensity

Only the GPUs' use is counted, not their making, nor the servers around them, unless the power
given is the servers'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity.parallel import Placement

TDP_SHARE: Final = 0.6
"""The share of its rated power that a busy GPU is assumed to draw.

Decoding is bound by memory and draws less (137 to 300 W of an H200's 700 W, arXiv 2605.11999);
reading prompts draws nearly all of it. Between them lies an assumption: measure, and give watts.
"""
POWER_USAGE_EFFECTIVENESS: Final = 1.1
"""Cooling and losses of the room: energy of the building over energy of the computers.

The figure with which the LLaMA paper (arXiv 2302.13971, section 6) compares models, OPT-175B too.
"""
CARBON_INTENSITY: Final = 480.0
"""Grams of CO2e a kWh where the grid is not known: the world's average of 2023.

Ember, Global Electricity Review 2024.
"""
TRAINING_TONNES: Final = 75.0
"""Tonnes of CO2e that training OPT-175B was estimated to cost (arXiv 2205.01068)."""

JOULES_PER_KWH: Final = 3_600_000
GRAMS_PER_TONNE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What one replica draws, and where its electricity comes from."""

    watts: float
    """All its GPUs together."""
    is_measured: bool
    carbon_intensity: float = CARBON_INTENSITY
    power_usage_effectiveness: float = POWER_USAGE_EFFECTIVENESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What 1000 generated tokens cost."""

    kwh_per_1000_tokens: float
    grams_co2e_per_1000_tokens: float

    @property
    def tokens_like_training(self) -> float:
        """How many tokens emit as much as training OPT-175B did; infinite on a clean grid."""
        if not self.grams_co2e_per_1000_tokens:
            return float("inf")
        return 1000 * TRAINING_TONNES * GRAMS_PER_TONNE / self.grams_co2e_per_1000_tokens


def assume_power(
    placement: Placement,
    *,
    watts: float | None = None,
    carbon_intensity: float = CARBON_INTENSITY,
) -> Power:
    """The watts given as measured, or `TDP_SHARE` of what the GPUs are rated for."""
    rated = placement.gpu.tdp_watts * placement.layout.count
    return Power(
        watts=TDP_SHARE * rated if watts is None else watts,
        is_measured=watts is not None,
        carbon_intensity=carbon_intensity,
    )


def count_energy(power: Power, *, tokens_per_second: float) -> Energy:
    """What 1000 tokens cost at that rate, the whole draw shared among them."""
    joules = power.watts * power.power_usage_effectiveness * 1000 / tokens_per_second
    kwh = joules / JOULES_PER_KWH
    return Energy(kwh_per_1000_tokens=kwh, grams_co2e_per_1000_tokens=kwh * power.carbon_intensity)
