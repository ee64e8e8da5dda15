"""Scaling from a few layers to all of them.

    step(n) = beside + n x layer

Layers are alike, so two layer counts give both numbers; `beside` is the embedding, the output
matrix, sampling, and the time that a step takes on the host.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTime:
    """The time of one step, in seconds."""

    layer: float
    beside: float

    def scale(self, layers: int) -> float:
        return self.beside + layers * self.layer


def separate(fewer: tuple[int, float], more: tuple[int, float]) -> LayerTime | None:
    """The line through two pairs of layers and seconds; None if more layers took no longer.

    The host, not the layers, then takes the time, and nothing can be scaled.
    """
    (few, few_seconds), (many, many_seconds) = fewer, more
    layer = (many_seconds - few_seconds) / (many - few)
    if layer <= 0:
        return None
    return LayerTime(layer=layer, beside=few_seconds - few * layer)
