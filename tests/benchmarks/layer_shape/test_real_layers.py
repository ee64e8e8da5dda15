"""The whole path with real vLLM and transformers, on layers small enough for a test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gpu.cases import TINY
from benchmarks.layer_shape.run import Question, measure
from tests.inference_workers.real_engine import engine_python

pytestmark = [pytest.mark.engine]


async def test_random_weights_say_the_same_in_vllm_and_in_transformers(tmp_path: Path) -> None:
    shape = replace(TINY, num_hidden_layers=2)
    question = Question(shape=shape, dtype="float32", is_real=True)

    answer = await measure(question, weights_dir=tmp_path, engine_python=engine_python())

    agreement = answer.agreement
    assert agreement is not None
    assert (agreement.positions, agreement.vocabulary) == (15, shape.vocab_size)
    assert agreement.largest_difference < 1e-4
    assert agreement.highest - agreement.lowest > 1.0
    assert (agreement.same_best, answer.same_tokens) == (15, 8)
    assert len(answer.worker_bytes) == 2
    assert answer.load_seconds is not None
    assert answer.step_seconds > 0
