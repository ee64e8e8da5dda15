from __future__ import annotations

import itertools
import math
from typing import Any

from portal.gate.catalog.domain.figure import LARGEST_RADIUS, LINE_HEIGHT, draw_family
from portal.gate.catalog.models import HostedModel
from tests.factories.catalog import HostedModelFactory

FAMILY = (125e6, 350e6, 1.3e9, 2.7e9, 6.7e9, 13e9, 30e9, 66e9, 175e9)


def described(parameters: float, **fields: Any) -> HostedModel:
    return HostedModelFactory.build(
        release=None, parameters=int(parameters), not_loaded=True, **fields
    )


def test_areas_are_in_proportion_to_parameters() -> None:
    figure = draw_family([described(1e9), described(4e9)])

    assert figure is not None
    assert [circle.radius for circle in figure.circles] == [LARGEST_RADIUS, LARGEST_RADIUS / 2]


def test_all_circles_stand_on_one_point_and_inside_the_drawing() -> None:
    figure = draw_family([described(count) for count in FAMILY])

    assert figure is not None
    floors = [circle.centre_y + circle.radius for circle in figure.circles]
    assert all(math.isclose(floor, floors[0], abs_tol=0.2) for floor in floors)
    assert all(0 <= circle.top < figure.height for circle in figure.circles)


def test_labels_keep_a_line_apart_and_what_is_live_is_always_labelled() -> None:
    live = HostedModelFactory.build(release=None, parameters=134_515_008)
    figure = draw_family([*(described(count) for count in FAMILY), live])

    assert figure is not None
    places = sorted(circle.label_y for circle in figure.circles if circle.label_y is not None)
    gaps = [later - earlier for earlier, later in itertools.pairwise(places)]
    assert min(gaps) >= LINE_HEIGHT - 0.1
    [drawn] = [circle for circle in figure.circles if circle.model is live]
    assert drawn.label_y == places[-1]
    assert figure.circles[0].label_y == places[0]


def test_one_model_alone_is_not_drawn() -> None:
    assert draw_family([described(1e9)]) is None
    assert draw_family([]) is None
