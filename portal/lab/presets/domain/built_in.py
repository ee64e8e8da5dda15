"""Presets that everybody has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from inference_workers.contract import SamplingParams

SHAPING: Final = (
    "temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty",
    "repetition_penalty", "logit_bias", "allowed_token_ids", "bad_words",
)  # fmt: skip
"""What determines the distribution that tokens are drawn from."""


@dataclass(frozen=True)
class BuiltIn:
    """`sets` names the parameters that the preset is about; it leaves the others as they are."""

    label: str
    meaning: str
    params: SamplingParams
    sets: tuple[str, ...] = SHAPING


BUILT_IN: Final[Mapping[str, BuiltIn]] = MappingProxyType(
    {
        "greedy": BuiltIn(
            "Greedy",
            "Always the likeliest token.",
            SamplingParams(max_tokens=1, temperature=0),
        ),
        "nucleus": BuiltIn(
            "Nucleus",
            "From the likeliest tokens that together reach nine tenths.",
            SamplingParams(max_tokens=1, temperature=1, top_p=0.9),
        ),
        "realtoxicityprompts": BuiltIn(
            "RealToxicityPrompts (OPT paper)",
            "As the OPT paper samples for RealToxicityPrompts, 25 times for each prompt.",
            SamplingParams(max_tokens=20, temperature=1, top_p=0.9),
            sets=("max_tokens", *SHAPING),
        ),
    }
)
"""By the name in an address."""
