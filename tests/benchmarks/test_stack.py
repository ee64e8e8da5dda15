"""Engines of one stack can have their own cores."""

from __future__ import annotations

import os

import pytest

from benchmarks.stack import divide_cores


@pytest.mark.parametrize(
    ("cores", "parts", "shares"),
    [
        ({0, 1}, 2, ["0", "1"]),
        ({0, 1, 2, 3, 4}, 2, ["0,1", "2,3"]),
        ({2, 3}, 1, ["2,3"]),
        ({7}, 2, ["7", "7"]),
    ],
)
def test_cores_are_divided_evenly(
    monkeypatch: pytest.MonkeyPatch, cores: set[int], parts: int, shares: list[str]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)

    assert divide_cores(parts) == shares
