"""Prompts are read as the engine reads them; the engine is only asked if this is uncertain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from inference_workers.background import end_tasks
from inference_workers.contract import GenerationRequest, SamplingParams
from inference_workers.engines.base import EngineRefusedError, EngineUnavailableError
from inference_workers.engines.scripted import END_OF_PROMPT as END
from inference_workers.engines.scripted import ScriptedEngine
from inference_workers.generation import prompts as prompts_module
from inference_workers.generation.prompts import LONG_CHARACTERS, PROBES, PromptReader

ASKED_TO_PROVE = [probe for probe in PROBES for _ in range(2)]


class Bytes:
    """Reads a text like `ScriptedEngine`, except for a different end."""

    def __init__(self, end: int = END) -> None:
        self.end = end

    def encode(self, text: str, *, add_special_tokens: bool) -> Sequence[int]:
        return [*text.encode(), *([self.end] if add_special_tokens else [])]


@dataclass
class CountingEngine(ScriptedEngine):
    """Remembers what it was asked; `fault` is raised instead of an answer."""

    asked: list[str] = field(default_factory=list)
    fault: Exception | None = None
    meanwhile: Callable[[], None] = lambda: None
    """A hook that runs during the query."""

    async def tokenize(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        self.asked.append(text)
        self.meanwhile()
        if self.fault is not None:
            raise self.fault
        return await super().tokenize(text, add_special_tokens=add_special_tokens)


def ask(prompt: str, **sampling: bool) -> GenerationRequest:
    return GenerationRequest(
        job_id=uuid4(),
        deployment="d",
        prompt=prompt,
        sampling=SamplingParams(max_tokens=1, **sampling),
        attempt=1,
        deadline_at=datetime(2026, 11, 29, tzinfo=UTC),
    )


async def test_without_files_the_engine_is_asked() -> None:
    engine = CountingEngine()
    prompts = PromptReader(engine)

    assert await prompts.read(ask("hi")) == [*b"hi", END]
    assert await prompts.read(ask("hi", add_special_tokens=False)) == [*b"hi"]
    assert engine.asked == ["hi", "hi"]


async def test_files_that_give_the_engines_ids_are_used_from_then_on() -> None:
    engine = CountingEngine()
    prompts = PromptReader(engine)
    prompts.learn(Bytes())
    assert await prompts.read(ask("early")) == [*b"early", END]

    await prompts.prove()
    answers = [await prompts.read(ask("hi")) for _ in range(3)]
    bare = await prompts.read(ask("hi", add_special_tokens=False))
    long = await prompts.read(ask("x" * LONG_CHARACTERS))

    assert answers == [[*b"hi", END]] * 3
    assert bare == [*b"hi"]
    assert long == [*b"x" * LONG_CHARACTERS, END]
    assert engine.asked == ["early", *ASKED_TO_PROVE]


@pytest.mark.parametrize("fault", [None, EngineRefusedError("no")])
async def test_files_that_differ_are_never_used(fault: Exception | None) -> None:
    engine = CountingEngine(fault=fault)
    prompts = PromptReader(engine)
    prompts.learn(Bytes(end=END + (fault is None)))

    await prompts.prove()
    engine.fault = None

    assert await prompts.read(ask("hi")) == [*b"hi", END]
    assert await prompts.read(ask("hi")) == [*b"hi", END]
    assert engine.asked == [PROBES[0], "hi", "hi"]


async def test_an_engine_that_is_away_is_asked_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prompts_module, "PAUSE_SECONDS", 0.0)
    engine = CountingEngine(fault=EngineUnavailableError("away"))
    prompts = PromptReader(engine)
    prompts.learn(Bytes())
    waited = 0

    async def wait_for_engine() -> None:
        nonlocal waited
        waited += 1
        if waited == 2:
            engine.fault = None

    proving = asyncio.create_task(prompts.run(wait_for_engine))
    async with asyncio.timeout(10):
        while len(engine.asked) <= len(PROBES) * 2:  # noqa: ASYNC110 -- the engine sets no event
            await asyncio.sleep(0)
    await end_tasks([proving])

    assert await prompts.read(ask("hi")) == [*b"hi", END]
    assert engine.asked == [PROBES[0], *ASKED_TO_PROVE]
    assert waited == 2


async def test_a_proof_does_not_count_for_files_learnt_meanwhile() -> None:
    engine = CountingEngine()
    prompts = PromptReader(engine)
    prompts.learn(Bytes())
    engine.meanwhile = lambda: prompts.learn(Bytes(end=END + 1))

    await prompts.prove()

    assert await prompts.read(ask("hi")) == [*b"hi", END]
    assert engine.asked == [*ASKED_TO_PROVE, "hi"]


async def test_ids_are_taken_as_they_came() -> None:
    engine = CountingEngine()
    request = ask("").model_copy(update={"prompt_token_ids": (5, 6)})

    assert await PromptReader(engine).read(request) == (5, 6)
    assert engine.asked == []
