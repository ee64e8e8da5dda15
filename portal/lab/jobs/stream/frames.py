"""Events as Server-Sent Events, without the parts that are only for operators."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from inference_workers.contract import (
    EVENT,
    Cancelled,
    Delta,
    Done,
    Failed,
    Row,
    Scored,
    Snapshot,
    Started,
    TerminalEvent,
)
from portal.gate.access.domain.decide import Decision
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.queue import Place
from portal.lab.jobs.domain.workers import EngineStatus
from portal.lab.jobs.stream.token_names import TokenNames
from portal.lab.jobs.wording import describe_cancel, describe_failure, describe_finish

KEEP_ALIVE: Final = b": keep-alive\n\n"
RETRY: Final = b"retry: 1000\n\n"
_PASSED_ON: Final = {'"type":"delta"': "delta", '"type":"snapshot"': "snapshot"}


def frame_entry(
    entry_id: str, raw: str, *, ran: bool, names: TokenNames | None = None
) -> tuple[bytes, str]:
    """One stream entry as a frame whose id is the entry's, and the event's type.

    `ran` says whether a worker is known to have begun, for the message of a stopped job. `names`
    are those of a run with log-probabilities.
    """
    # Most events are deltas, whose JSON is passed to the reader unchanged.
    head = raw[:40]
    for mark, name in _PASSED_ON.items():
        if mark in head and names is None:
            return _frame(name, raw, entry_id), name
    event = EVENT.validate_json(raw)
    if names is not None and isinstance(event, Delta | Snapshot | Scored):
        return _frame(event.type, names.write(event), entry_id), event.type
    match event:
        case Started():
            data = {"type": "started", "prompt_tokens": event.prompt_tokens}
            return _frame("started", json.dumps(data), entry_id), "started"
        case Delta() | Snapshot() | Scored() | Row():
            return _frame(event.type, event.model_dump_json(), entry_id), event.type
        case Done() | Failed() | Cancelled():
            return frame_end(event, entry_id=entry_id, ran=ran), event.type


def frame_end(
    event: TerminalEvent, *, entry_id: str = "", ran: bool, refusal: Decision | None = None
) -> bytes:
    """A terminal event with its message, and with `refusal`'s code if access has ended."""
    data: dict[str, object] = {"type": event.type}
    match event:
        case Done():
            data["finish_reason"] = event.finish_reason.value
            data["usage"] = event.usage.model_dump(exclude={"v"})
            data["message"] = describe_finish(event.finish_reason)
        case Failed():
            data["code"] = event.code.value
            data["message"] = describe_failure(event.code)
        case Cancelled():
            data["reason"] = event.reason.value
            data["freed_ms"] = event.freed_ms
            if refusal is not None:
                data["code"] = refusal.code.value
            data["message"] = describe_cancel(event.reason, freed_ms=event.freed_ms, ran=ran)
    return _frame(event.type, json.dumps(data), entry_id)


def frame_snapshot(made: Completion, names: TokenNames | None) -> bytes:
    """The whole completion, from a row."""
    snapshot = Snapshot(
        text=made.text,
        token_ids=tuple(made.token_ids),
        logprobs=tuple(made.logprobs),
        scored=made.scored,
    )
    return _frame("snapshot", names.write(snapshot) if names else snapshot.model_dump_json())


def frame_accepted(links: Mapping[str, str]) -> bytes:
    """The links that a script needs for a run that was just accepted: first in its stream."""
    return _frame("accepted", json.dumps({"type": "accepted", **links}))


def frame_missing() -> bytes:
    """For a run that does not exist, or is not the reader's."""
    return _frame("missing", json.dumps({"type": "missing", "message": "There is no such run."}))


def frame_place(place: Place) -> bytes:
    """A waiting job's place; not part of the stream, so without an id."""
    data = {
        "type": "state",
        "state": "queued",
        "position": place.position,
        "estimate_seconds": place.estimate_seconds,
        "engine": place.engine.readiness.value,
        "ready_in_seconds": place.engine.ready_in_seconds,
        "message": place.engine.sentence,
    }
    return _frame("state", json.dumps(data))


def frame_silence(seconds: int, engine: EngineStatus) -> bytes:
    """What the engine of a run does that has got no event for so long; without an id too."""
    data = {
        "type": "silent",
        "seconds": seconds,
        "engine": engine.readiness.value,
        "ready_in_seconds": engine.ready_in_seconds,
        "message": engine.explain_silence(seconds),
    }
    return _frame("silent", json.dumps(data))


def _frame(name: str, data: str, entry_id: str = "") -> bytes:
    lines = [f"id: {entry_id}"] if entry_id else []
    lines += [f"event: {name}", f"data: {data}", "", ""]
    return "\n".join(lines).encode()
