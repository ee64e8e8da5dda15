"""Prompts to begin with."""

from __future__ import annotations

import pytest

from portal.lab.playground.examples import EXAMPLES
from tests.lab.playground.conftest import Desk


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fills_an_empty_document_without_a_script(desk: Desk, name: str) -> None:
    page = desk.client.get("/playground/").content.decode()
    assert page.count(f'href="/playground/?example={name}"') == 1

    form = desk.client.get(f"/playground/?example={name}").context["form"]

    assert form["prompt"].value() == EXAMPLES[name].prompt
    # Most models continue better without it.
    assert not EXAMPLES[name].prompt.endswith(" ")


def test_an_unknown_example_is_an_empty_document(desk: Desk) -> None:
    response = desk.client.get("/playground/?example=unknown")

    assert response.context["form"]["prompt"].value() is None
