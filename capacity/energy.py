"""Energy and carbon emissions of generated tokens.

    kWh = watts x power usage effectiveness x seconds / 3.6e6;  g CO2e = kWh x carbon intensity

Only the use of the GPUs is counted, not their production. Servers are counted only if the given
power includes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity.parallel import Placement

TDP_SHARE: Final = 0.6
"""The share of its rated power that a busy GPU is assumed to draw.

Decoding is limited by memory and draws less (137 to 300 W of an H200's 700 W, arXiv 2605.11999);
reading prompts draws nearly all of it. The share is an assumption: measure the watts if you can.
"""
POWER_USAGE_EFFECTIVENESS: Final = 1.1
"""Cooling and losses: the energy of the building divided by the energy of the computers.

The LLaMA paper (arXiv 2302.13971, section 6) uses this figure for all models, including OPT-175B.
"""
CARBON_INTENSITY: Final = 480.0
"""Grams of CO2e per kWh if the grid is unknown: the world average of 2023.

Ember, Global Electricity Review 2024.
"""
TRAINING_TONNES: Final = 75.0
"""Estimated tonnes of CO2e from training OPT-175B (arXiv 2205.01068)."""

JOULES_PER_KWH: Final = 3_600_000
GRAMS_PER_TONNE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """The power of one replica, and the source of its electricity."""

    watts: float
    """Power of all its GPUs together."""
    is_measured: bool
    carbon_intensity: float = CARBON_INTENSITY
    power_usage_effectiveness: float = POWER_USAGE_EFFECTIVENESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy and emissions of 1000 generated tokens."""

    kwh_per_1000_tokens: float
    grams_co2e_per_1000_tokens: float

    @property
    def tokens_like_training(self) -> float:
        """The number of tokens that emit as much as training OPT-175B; infinite on a clean grid."""
        if not self.grams_co2e_per_1000_tokens:
            return float("inf")
        return 1000 * TRAINING_TONNES * GRAMS_PER_TONNE / self.grams_co2e_per_1000_tokens


def assume_power(
    placement: Placement,
    *,
    watts: float | None = None,
    carbon_intensity: float = CARBON_INTENSITY,
) -> Power:
    """The given measured watts, or `TDP_SHARE` of the GPUs' rated power."""
    rated = placement.gpu.tdp_watts * placement.layout.count
    return Power(
        watts=TDP_SHARE * rated if watts is None else watts,
        is_measured=watts is not None,
        carbon_intensity=carbon_intensity,
    )


def count_energy(power: Power, *, tokens_per_second: float) -> Energy:
    """Energy and emissions of 1000 tokens at that rate; the tokens share the whole power."""
    joules = power.watts * power.power_usage_effectiveness * 1000 / tokens_per_second
    kwh = joules / JOULES_PER_KWH
    return Energy(kwh_per_1000_tokens=kwh, grams_co2e_per_1000_tokens=kwh * power.carbon_intensity)
