"""The messages about a job's end, for its reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inference_workers.contract import CancelReason, FailureCode, FinishReason

FAILURES: Final[Mapping[str, str]] = {
    FailureCode.CONTEXT_LENGTH_EXCEEDED: (
        "The prompt and max tokens together are longer than the model's context. Shorten the "
        "prompt or lower max tokens, then run again."
    ),
    FailureCode.INVALID_REQUEST: (
        "The engine refused this prompt or its parameters. Change them and run again."
    ),
    FailureCode.ENGINE_ERROR: ("The engine failed during this run. It has been logged; run again."),
    FailureCode.WORKER_LOST: ("This run lost its machine more than once. Run again."),
    FailureCode.DEADLINE_EXCEEDED: (
        "This run exceeded the time limit. Its text so far is kept. Lower max tokens and run again."
    ),
    FailureCode.EXPIRED_IN_QUEUE: (
        "This run waited too long in the queue and was removed. Nothing was generated; run "
        "again when the queue is shorter."
    ),
}
CANCELS: Final[Mapping[str, str]] = {
    CancelReason.USER: "Stopped.",
    CancelReason.ACCESS_ENDED: (
        "Stopped, because your access to this model ended. Your status page says why."
    ),
    CancelReason.DELETED: "Stopped, because this run was deleted.",
}
FINISHES: Final[Mapping[str, str]] = {
    FinishReason.STOP: "The model stopped by itself, or at a stop sequence.",
    FinishReason.LENGTH: "Reached max tokens.",
}


def describe_failure(code: str) -> str:
    """A sentence for a `FailureCode`."""
    return FAILURES.get(code, "This run failed. Run again.")


def describe_cancel(reason: str, *, freed_ms: int | None, ran: bool) -> str:
    """Why a job was stopped, and when the engine was free again."""
    sentence = CANCELS.get(reason, CANCELS[CancelReason.USER])
    if freed_ms is not None:
        return f"{sentence} The engine was freed after {freed_ms:,} ms."
    return sentence if ran else f"{sentence} It had not started yet."


def describe_finish(reason: str) -> str:
    """Why the model stopped, for a `FinishReason`."""
    return FINISHES.get(reason, "")


def write_duration(milliseconds: int | None) -> str:
    """`1.2 s`, or `340 ms` below a second; empty if it is unknown."""
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
