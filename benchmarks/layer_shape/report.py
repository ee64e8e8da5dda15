"""The measurement as a section of docs/performance.md."""

from __future__ import annotations

from benchmarks.layer_shape.run import RANKS, STORED_DTYPE, Answer, Question
from capacity.shapes import ModelShape

GIB = 2**30


def draw(question: Question, answer: Answer, *, where: str) -> str:
    """A table of two columns; `where` names machine, versions and day."""
    weights = f"random, {STORED_DTYPE} safetensors" if question.is_real else "dummy"
    rows = [
        ("Model", _describe_shape(question.shape)),
        ("Weights", f"{weights}; computed in {question.dtype}"),
        ("Tensor-parallel ranks", str(RANKS)),
        ("Ready after", f"{answer.ready_seconds:.0f} s"),
        *_draw_loading(answer),
        ("Memory per rank", ", ".join(f"{size / GIB:.2f} GiB" for size in answer.worker_bytes)),
        ("Time per token, batch 1", f"{answer.step_seconds * 1e3:.0f} ms"),
        ("Generated", _count(len(answer.token_ids), "token")),
        *_draw_agreement(answer),
    ]
    lines = [where, "", "| what | figure |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {figure} |" for name, figure in rows)])


def _draw_agreement(answer: Answer) -> list[tuple[str, str]]:
    agreement = answer.agreement
    if agreement is None:
        return []
    compared = (
        f"{_count(agreement.positions, 'position')} of {agreement.vocabulary} log-probabilities, "
        f"between {agreement.lowest:.1f} and {agreement.highest:.1f}"
    )
    return [
        ("Compared with transformers, float32", compared),
        ("Largest difference", f"{agreement.largest_difference:.1e}"),
        ("Same most likely token", f"at {agreement.same_best} of {agreement.positions} positions"),
        ("Same tokens as transformers", f"{answer.same_tokens} of {len(answer.token_ids)} tokens"),
    ]


def _describe_shape(shape: ModelShape) -> str:
    return (
        f"{_count(shape.num_hidden_layers, 'layer')} of {shape.name}: hidden {shape.hidden_size}, "
        f"{shape.num_attention_heads} heads, ffn {shape.intermediate_size}, "
        f"vocabulary {shape.vocab_size}; {shape.parameters / 1e9:.3f} B parameters"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _draw_loading(answer: Answer) -> list[tuple[str, str]]:
    seconds = answer.load_seconds
    return [] if seconds is None else [("of which loading", f"{seconds:.1f} s")]
