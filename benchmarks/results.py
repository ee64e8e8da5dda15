"""The results of one run of the benchmark, by subject."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.load import Burst, Steady
from benchmarks.real_engine import Comparison

PORTAL, ENGINE, LITELLM = "portal", "engine", "litellm"
REAL = "real"
SUBJECTS = (PORTAL, ENGINE, LITELLM)


@dataclass
class Results:
    """A subject that was not measured is absent."""

    rate: float
    """The stand-in engine's tokens per second and stream."""
    steady: dict[str, Steady] = field(default_factory=dict)
    bursts: dict[str, Burst] = field(default_factory=dict)
    many: Steady | None = None
    """The portal with as many open streams as one web process must hold."""
    many_rate: float = 0.0
    real: list[Comparison] = field(default_factory=list)
    """Real vLLM with models of several sizes."""
