"""What the samplers leave of a distribution, by hand and as vLLM's own sampler leaves it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from inference_workers.contract import SamplingParams, Structure
from portal.lab.scoring.domain.sampling import apply_samplers, find_obstacle

# Half, a quarter, an eighth, an eighth.
ROW = np.log(np.array([0.5, 0.25, 0.125, 0.125])).astype(np.float32)


def leave(*made: int, **params: Any) -> list[float]:
    sampling = SamplingParams(max_tokens=1, **params)
    return [round(float(value), 6) for value in apply_samplers(ROW, sampling, made)]


@pytest.mark.parametrize(
    ("params", "left"),
    [
        ({}, [0.5, 0.25, 0.125, 0.125]),
        ({"temperature": 0.0}, [1, 0, 0, 0]),
        # The square roots' opposites: 1/4, 1/16, 1/64, 1/64 of their sum 22/64.
        ({"temperature": 0.5}, [0.727273, 0.181818, 0.045455, 0.045455]),
        ({"top_k": 1}, [1, 0, 0, 0]),
        ({"top_k": 2}, [0.666667, 0.333333, 0, 0]),
        # Of equals, top-k keeps all.
        ({"top_k": 3}, [0.5, 0.25, 0.125, 0.125]),
        ({"top_p": 0.5}, [1, 0, 0, 0]),
        ({"top_p": 0.6}, [0.666667, 0.333333, 0, 0]),
        ({"top_p": 0.9}, [0.5, 0.25, 0.125, 0.125]),
        ({"min_p": 0.4}, [0.666667, 0.333333, 0, 0]),
        ({"min_p": 0.24}, [0.5, 0.25, 0.125, 0.125]),
        ({"allowed_token_ids": (1, 3)}, [0, 0.666667, 0, 0.333333]),
        ({"logit_bias": {3: math.log(4)}}, [0.363636, 0.181818, 0.090909, 0.363636]),
        # Min-p looks at what the temperature left, top-p at what min-p left.
        ({"temperature": 2.0, "min_p": 0.6}, [0.585786, 0.414214, 0, 0]),
        ({"min_p": 0.4, "top_p": 0.66}, [1, 0, 0, 0]),
    ],
)
def test_each_sampler(params: dict[str, Any], left: list[float]) -> None:
    assert leave(**params) == left


def test_penalties_count_the_tokens_that_were_made() -> None:
    half = math.log(2)

    assert leave(0, 0, frequency_penalty=half) == [0.2, 0.4, 0.2, 0.2]
    assert leave(0, 0, presence_penalty=half) == [0.333333, 0.333333, 0.166667, 0.166667]
    assert leave(1, presence_penalty=half, frequency_penalty=half, temperature=0.0) == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("params", "made", "obstacle"),
    [
        ({}, 0, ""),
        ({"repetition_penalty": 1.1}, 0, "repetition penalty"),
        ({"structure": Structure(choice=("a",))}, 0, "structure"),
        ({"bad_words": ("a",)}, 0, "bad words"),
        ({"min_tokens": 3}, 2, "min tokens"),
        ({"min_tokens": 3}, 3, ""),
    ],
)
def test_what_log_probabilities_cannot_tell_is_named(
    params: dict[str, Any], made: int, obstacle: str
) -> None:
    assert find_obstacle(SamplingParams(max_tokens=9, **params), made=made) == obstacle
