"""From a few layers to all of them.

    step(n) = beside + n x layer

Layers are alike, so two counts of them give both numbers; `beside` is the embedding, the output
matrix, sampling, and whatever a step costs the host.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTime:
    """Seconds of one step."""

    layer: float
    beside: float

    def scale(self, layers: int) -> float:
        return self.beside + layers * self.layer


def separate(fewer: tuple[int, float], more: tuple[int, float]) -> LayerTime | None:
    """From two pairs of layers and seconds; None if more layers took no longer.

    The time is then not the layers' but the host's, and nothing can be scaled.
    """
    (few, few_seconds), (many, many_seconds) = fewer, more
    layer = (many_seconds - few_seconds) / (many - few)
    if layer <= 0:
        return None
    return LayerTime(layer=layer, beside=few_seconds - few * layer)
