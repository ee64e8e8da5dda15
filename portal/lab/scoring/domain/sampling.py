"""What the samplers leave of the model's own distribution, in the order in which vLLM applies them.

The sampling parameters' effects are those of vLLM 0.32 (`vllm/v1/sample/sampler.py`): the allowed
tokens, the biases, the frequency and presence penalties over the completion so far, temperature,
min-p, top-k, top-p.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inference_workers.contract import SamplingParams

Row: TypeAlias = NDArray[np.float64]
"""One value for each token of the vocabulary."""

GREEDY_BELOW: Final = 1e-5
"""vLLM takes the likeliest token at temperatures below this one."""


def find_obstacle(sampling: SamplingParams, *, made: int) -> str:
    """The parameter whose effect log-probabilities do not tell; empty if there is none.

    The repetition penalty depends on the sign of logits. What a structure, excluded words or the
    least number of tokens exclude depends on more than the distribution.
    """
    obstacles = {
        "repetition penalty": sampling.repetition_penalty != 1.0,
        "structure": sampling.structure is not None,
        "bad words": bool(sampling.bad_words),
        "min tokens": made < sampling.min_tokens,
    }
    return next((name for name, is_there in obstacles.items() if is_there), "")


def apply_samplers(
    logprobs: NDArray[np.float32], sampling: SamplingParams, made: Sequence[int]
) -> Row:
    """The probabilities with which the next token is drawn; they add up to 1.

    `logprobs` is the model's own distribution after the completion's tokens `made`. Only for
    parameters without an obstacle.
    """
    values = logprobs.astype(np.float64)
    if sampling.allowed_token_ids:
        allowed = np.full(len(values), -np.inf)
        allowed[list(sampling.allowed_token_ids)] = 0.0
        values += allowed
    for token, bias in sampling.logit_bias.items():
        values[token] += bias
    counts = np.bincount(np.asarray(made, dtype=np.int64), minlength=len(values))
    values -= sampling.frequency_penalty * counts + sampling.presence_penalty * (counts > 0)
    if sampling.temperature < GREEDY_BELOW:
        greedy: Row = (np.arange(len(values)) == values.argmax()).astype(np.float64)
        return greedy
    return _truncate(values / sampling.temperature, sampling)


def _truncate(values: Row, sampling: SamplingParams) -> Row:
    if sampling.min_p:
        chances = _normalise(values)
        values = np.where(chances < sampling.min_p * chances.max(), -np.inf, values)
    if 0 < sampling.top_k < len(values):
        least = np.partition(values, -sampling.top_k)[-sampling.top_k]
        values = np.where(values < least, -np.inf, values)
    if sampling.top_p < 1.0:
        rising = np.argsort(values, kind="stable")
        is_dropped = np.cumsum(_normalise(values)[rising]) <= 1.0 - sampling.top_p
        is_dropped[-1] = False
        values[rising[is_dropped]] = -np.inf
    return _normalise(values)


def _normalise(values: Row) -> Row:
    chances: Row = np.exp(values - values.max())
    chances /= chances.sum()
    return chances
