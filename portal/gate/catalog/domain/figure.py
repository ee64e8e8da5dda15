"""The drawing of a family of models: circles whose areas are their parameter counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portal.gate.catalog.models import HostedModel

LARGEST_RADIUS: Final = 150.0
SMALLEST_RADIUS: Final = 2.5
LINE_HEIGHT: Final = 21.0
MARGIN: Final = 8.0
LABEL_GAP: Final = 14.0
LABEL_WIDTH: Final = 190.0


@dataclass(frozen=True)
class Circle:
    """One model; lengths in the drawing's units. `label_y` is None where there is no room."""

    model: HostedModel
    radius: float
    centre_x: float
    centre_y: float
    top: float
    label_y: float | None


@dataclass(frozen=True)
class Figure:
    """The drawing: all circles share their lowest point, the largest first."""

    circles: Sequence[Circle]
    width: float
    height: float
    leader_x: float
    label_x: float

    @property
    def largest(self) -> HostedModel:
        return self.circles[0].model

    @property
    def smallest(self) -> HostedModel:
        return self.circles[-1].model


def draw_family(models: Sequence[HostedModel]) -> Figure | None:
    """Draw the models by size; None if there are fewer than two.

    A label is at the top of its circle if it is a line away from the previous one. A model
    that is served here is always labelled.
    """
    ordered = sorted(models, key=lambda model: (-model.parameters, model.position))
    if len(ordered) < 2:
        return None
    floor = MARGIN + 2 * LARGEST_RADIUS
    centre_x = MARGIN + LARGEST_RADIUS
    scale = LARGEST_RADIUS / math.sqrt(ordered[0].parameters)
    radii = [max(SMALLEST_RADIUS, scale * math.sqrt(model.parameters)) for model in ordered]
    tops = [floor - 2 * radius for radius in radii]
    labels = _place_labels(ordered, tops, floor=floor)
    circles = [
        Circle(model, _round(radius), centre_x, _round(floor - radius), _round(top), label)
        for model, radius, top, label in zip(ordered, radii, tops, labels, strict=True)
    ]
    leader_x = centre_x + LARGEST_RADIUS + LABEL_GAP
    return Figure(
        circles,
        width=leader_x + LABEL_WIDTH,
        height=floor + MARGIN,
        leader_x=leader_x,
        label_x=leader_x + LABEL_GAP / 2,
    )


def _place_labels(
    models: Sequence[HostedModel], tops: Sequence[float], *, floor: float
) -> list[float | None]:
    """Labels from the top down; the lowest lines are reserved for models that are served here."""
    live = [index for index, model in enumerate(models) if model.is_live]
    places: list[float | None] = [None] * len(models)
    for line, index in enumerate(reversed(live)):
        places[index] = _round(floor - line * LINE_HEIGHT)
    last = floor - len(live) * LINE_HEIGHT
    previous = -LINE_HEIGHT
    for index, top in enumerate(tops):
        if places[index] is None and previous + LINE_HEIGHT <= top <= last:
            places[index] = _round(top)
            previous = top
    return places


def _round(length: float) -> float:
    return round(length, 1)
