"""Load the layers with two tensor-parallel ranks, generate, and compare with transformers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.decoding import FIRST_ID, Lengths, measure_step
from benchmarks.engine import Engine, cpu_environment, make_deployment, running_engine
from benchmarks.layer_shape.agreement import (
    Agreement,
    compare,
    find_best,
    read_engine_rows,
    read_reference_rows,
)
from benchmarks.opt_folder import write_opt_folder
from capacity.shapes import ModelShape
from demo.place import ROOT
from demo.terminal import RefusalError, step
from inference_workers.deployments import Deployment

RANKS = 2
SLUG = "layers"
LENGTHS = Lengths(prompt=8, short=2, long=10)
GENERATED = 8
STORED_DTYPE = "bfloat16"
LOADED = re.compile(r"(?:Loading weights|Model loading) took (?:[\d.]+ GiB memory and )?([\d.]+) s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to load: the shape with its number of layers, dummy or random weights."""

    shape: ModelShape
    dtype: str
    is_real: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The measurement, in bytes and seconds."""

    ready_seconds: float
    load_seconds: float | None
    """Of the slower rank, from vLLM's log; None if the log does not have it."""
    worker_bytes: tuple[int, ...]
    step_seconds: float
    """The time per token of one sequence."""
    token_ids: tuple[int, ...]
    agreement: Agreement | None
    same_tokens: int
    """Generated tokens that are the reference's most likely ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """The engine's output."""

    answer: Answer
    ids: list[int]
    rows: list[Sequence[float]]


async def measure(question: Question, *, weights_dir: Path, engine_python: Path) -> Answer:
    """Run the engine, then the reference, one after the other; raises `RefusalError`."""
    folder = weights_dir / SLUG
    write_opt_folder(folder, question.shape, dtype=STORED_DTYPE)
    if question.is_real:
        with step("Writing random weights"):
            run_tool(engine_python, "make_random_opt.py", os.fspath(folder))
    async with running_engine(
        describe(question), weights_dir=weights_dir, engine_python=engine_python
    ) as engine:
        heard = await _ask(engine, question)
    if not question.is_real:
        return heard.answer
    out = weights_dir / "reference.bin"
    with step("Running transformers"):
        run_tool(
            engine_python,
            "logprobs_reference.py",
            *(os.fspath(folder), os.fspath(out)),
            stdin=json.dumps(heard.ids),
        )
    reference = read_reference_rows(out.read_bytes(), vocabulary=question.shape.vocab_size)
    return _judge(heard, reference)


def describe(question: Question) -> Deployment:
    """The deployment: a core for each of two ranks, no compilation."""
    return make_deployment(
        SLUG,
        tensor_parallel_size=RANKS,
        max_model_len=min(256, question.shape.max_position_embeddings),
        max_num_seqs=8,
        dtype=question.dtype,
        extra_args=(
            "--enforce-eager",
            *(() if question.is_real else ("--load-format", "dummy")),
        ),
        env=cpu_environment(RANKS),
    )


async def _ask(engine: Engine, question: Question) -> _Heard:
    print(f"  vLLM is ready after {engine.ready_seconds:.0f} s", flush=True)
    vocabulary = question.shape.vocab_size
    prompt = [FIRST_ID + 7919 * place % (vocabulary - FIRST_ID) for place in range(LENGTHS.prompt)]
    (choice,) = await engine.complete([prompt], max_tokens=GENERATED)
    token_ids: list[int] = choice["token_ids"]
    if len(token_ids) != GENERATED:
        raise RefusalError(f"vLLM returned {len(token_ids)} tokens instead of {GENERATED}")
    ids, rows = [*prompt, *token_ids], []
    if question.is_real:
        (whole,) = await engine.complete([ids], max_tokens=1, prompt_logprobs=-1)
        rows = read_engine_rows(whole["prompt_logprobs"], vocabulary=vocabulary)
    seconds = await measure_step(engine, batch=1, lengths=LENGTHS, vocabulary=vocabulary)
    log = engine.log.read_text(encoding="utf-8", errors="replace")
    answer = Answer(
        ready_seconds=engine.ready_seconds,
        load_seconds=read_load_seconds(log),
        worker_bytes=tuple(engine.worker_bytes()),
        step_seconds=seconds,
        token_ids=tuple(token_ids),
        agreement=None,
        same_tokens=0,
    )
    return _Heard(answer=answer, ids=ids, rows=rows)


def _judge(heard: _Heard, reference: list[Sequence[float]]) -> Answer:
    given = heard.answer.token_ids
    best = [find_best(row) for row in reference[-len(given) :]]
    return Answer(
        ready_seconds=heard.answer.ready_seconds,
        load_seconds=heard.answer.load_seconds,
        worker_bytes=heard.answer.worker_bytes,
        step_seconds=heard.answer.step_seconds,
        token_ids=given,
        agreement=compare(heard.rows, reference),
        same_tokens=sum(ours == theirs for ours, theirs in zip(given, best, strict=True)),
    )


def read_load_seconds(log: str) -> float | None:
    """The longest time for loading weights in vLLM's log."""
    found = [float(seconds) for seconds in LOADED.findall(log)]
    return max(found, default=None)


def run_tool(python: Path, name: str, *arguments: str, stdin: str = "") -> str:
    """Run one of the engine's tools; raises `RefusalError` with its last line."""
    command = [os.fspath(python), os.fspath(ROOT / "engine_tools" / name), *arguments]
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=env, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"code {done.returncode}"]
        raise RefusalError(f"{name}: {lines[-1]}")
    return done.stdout
