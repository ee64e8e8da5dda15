"""The time of a step, from an engine with its own clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.decoding import FIRST_ID, Lengths, measure_step

LENGTHS = Lengths(prompt=5, short=2, long=12)


class ClockedEngine:
    """Takes `beside` per request, `step` per token, and `jitter[i]` more in the i-th request."""

    def __init__(self, *, beside: float, step: float, jitter: Sequence[float] = ()) -> None:
        self.now = 0.0
        self._beside, self._step, self._jitter = beside, step, list(jitter)
        self.asked: list[tuple[int, int]] = []
        self.prompts: list[Sequence[Sequence[int]]] = []

    async def complete(
        self, prompts: Sequence[Sequence[int]], *, max_tokens: int
    ) -> list[dict[str, Any]]:
        self.asked.append((len(prompts), max_tokens))
        self.prompts.append(prompts)
        jitter = self._jitter.pop(0) if self._jitter else 0.0
        self.now += self._beside + self._step * max_tokens + jitter
        return []

    async def measure(self, *, batch: int, repeats: int = 1) -> float:
        return await measure_step(
            self,
            batch=batch,
            lengths=LENGTHS,
            vocabulary=50,
            repeats=repeats,
            clock=lambda: self.now,
        )


async def test_what_a_request_costs_beside_its_steps_falls_out() -> None:
    engine = ClockedEngine(beside=64.0, step=0.25)

    assert await engine.measure(batch=4) == 0.25
    assert engine.asked == [(4, 2), (4, 2), (4, 12)]


async def test_one_slow_repeat_changes_nothing() -> None:
    engine = ClockedEngine(beside=1.0, step=0.25, jitter=[9.0, 0.0, 0.0, 0.0, 32.0])

    assert await engine.measure(batch=1, repeats=3) == 0.25


async def test_prompts_differ_and_hold_ids_of_the_vocabulary() -> None:
    engine = ClockedEngine(beside=1.0, step=1.0)
    await engine.measure(batch=3)

    prompts = engine.prompts[0]
    assert [len(prompt) for prompt in prompts] == [5, 5, 5]
    assert len({tuple(prompt) for prompt in prompts}) == 3
    assert all(FIRST_ID <= token < 50 for prompt in prompts for token in prompt)


def test_lengths_tell_the_context_between_short_and_long() -> None:
    assert (LENGTHS.context, LENGTHS.longest) == (12, 17)
