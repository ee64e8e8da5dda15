"""The arrays of a file are the rows as the engine gave them, and say what they are of."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.distributions.by_hand import LN2, ask, row_of


def rows(position: int) -> list[float]:
    """After n tokens of the prompt 2**n are equally likely."""
    return row_of({10 * position + step: position for step in range(2**position)})


def read_safetensors(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """By the format's description: a length, a header in JSON, and the values one after another."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = {name: json.loads(text) for name, text in header.pop("__metadata__").items()}
    types = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
    values = content[8 + length :]
    arrays = {
        name: np.frombuffer(values[slice(*own["data_offsets"])], dtype=types[own["dtype"]]).reshape(
            own["shape"]
        )
        for name, own in header.items()
    }
    return arrays, metadata


def require_right(arrays: dict[str, NDArray[Any]]) -> None:
    """What both formats carry for the prompt `abc` and the positions -1, 1."""
    assert sorted(arrays) == ["entropy", "logprobs", "positions", "token_ids"]
    assert arrays["logprobs"].dtype == np.float32
    assert arrays["logprobs"].tobytes() == struct.pack("<514f", *rows(4), *rows(1))
    assert arrays["logprobs"].shape == (2, 257)
    assert arrays["positions"].dtype == np.int64
    assert arrays["positions"].tolist() == [4, 1]
    assert arrays["entropy"].dtype == np.float64
    assert arrays["entropy"].tolist() == pytest.approx([4 * LN2, 1 * LN2], rel=1e-6)
    assert arrays["token_ids"].dtype == np.int64
    assert arrays["token_ids"].tolist() == [0, *ids_of("abc")]


async def test_npz_is_read_without_pickle(laboratory: Laboratory) -> None:
    laboratory.distribution = rows

    response = await ask(laboratory, prompt="abc", positions=[-1, 1], format="npz")

    assert response["Content-Type"] == "application/x-npz"
    with np.load(io.BytesIO(response.content), allow_pickle=False) as arrays:
        require_right(dict(arrays))


async def test_safetensors_carries_the_summary_as_its_metadata(laboratory: Laboratory) -> None:
    laboratory.distribution = rows
    body: dict[str, Any] = {"prompt": "abc", "positions": [-1, 1], "top": 1, "tokens": ["a"]}

    response = await ask(laboratory, **body, format="safetensors")
    summary = (await ask(laboratory, **body)).json()

    arrays, metadata = read_safetensors(response.content)
    require_right(arrays)
    assert response["Content-Type"] == "application/x-safetensors"
    (job,) = metadata["jobs"]
    assert response["Content-Disposition"] == f'attachment; filename="{job}.safetensors"'
    own = {"id", "jobs", "created"}
    assert {name: metadata[name] for name in metadata if name not in own} == {
        name: summary[name] for name in summary if name not in own
    }
