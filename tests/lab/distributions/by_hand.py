"""Distributions whose numbers are easy to calculate by hand, and requests for them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from tests.lab.api.conftest import Laboratory

LN2 = 0.6931471805599453
NEVER = -9999.0
"""As an engine writes minus infinity."""


def row_of(halvings: Mapping[int, int], *, width: int = 257) -> list[float]:
    """A token that is 1/2**n likely has n halvings; all others have no chance."""
    return [-halvings[token] * LN2 if token in halvings else NEVER for token in range(width)]


def as_float32(value: float) -> float:
    """What is left of it in a row of float32."""
    kept: tuple[float] = struct.unpack("<f", struct.pack("<f", value))
    return kept[0]


async def ask(laboratory: Laboratory, **body: Any) -> Any:
    """The response to a request for distributions, answered by the laboratory's worker."""
    async with laboratory.working():
        return await laboratory.client.ask(
            "/v1/distributions", json={"model": laboratory.model.slug, **body}
        )


async def list_data(laboratory: Laboratory, **body: Any) -> list[dict[str, Any]]:
    """What it says of each position."""
    data: list[dict[str, Any]] = (await ask(laboratory, **body)).json()["data"]
    return data


async def refusal(laboratory: Laboratory, **body: Any) -> list[Any]:
    """Status, code and param."""
    response = await ask(laboratory, **body)
    error = response.json()["error"]
    return [response.status_code, error["code"], error["param"]]
