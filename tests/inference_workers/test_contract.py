"""Messages survive the transport, and a reader refuses unknown ones."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from inference_workers import contract
from inference_workers.contract import (
    EVENT,
    Cancelled,
    CancelReason,
    ControlMessage,
    Delta,
    Done,
    EngineState,
    Event,
    Failed,
    FailureCode,
    FinishReason,
    GenerationRequest,
    Heartbeat,
    JobOutcome,
    JobsStarted,
    JobStarted,
    Message,
    SamplingParams,
    Snapshot,
    Started,
    Usage,
)

JOB = UUID(int=7)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
USAGE = Usage(prompt_tokens=3, completion_tokens=4)
DONE = Done(finish_reason=FinishReason.LENGTH, usage=USAGE)

EVENTS: list[Event] = [
    Started(worker="w", attempt=2, prompt_tokens=3),
    Delta(offset=4, text="naïve 🙂\n", token_ids=(1, 2)),
    Snapshot(text="all", token_ids=(1,)),
    DONE,
    Failed(code=FailureCode.WORKER_LOST, detail="gone"),
    Cancelled(reason=CancelReason.ACCESS_ENDED, freed_ms=120),
]
SAMPLING = SamplingParams(max_tokens=5, temperature=0.1 + 0.2, stop=("\n",), seed=2**63 - 1)
MESSAGES: list[Message] = [
    *EVENTS,
    GenerationRequest(job_id=JOB, deployment="d", prompt="p", sampling=SAMPLING, deadline_at=NOW),
    JobsStarted(
        starts=(JobStarted(job_id=JOB, worker="w", attempt=1, started_at=NOW, prompt_tokens=3),)
    ),
    JobOutcome(
        job_id=JOB,
        worker="w",
        attempt=1,
        finished_at=NOW,
        end=DONE,
        text="t",
        token_ids=(1,),
        usage=USAGE,
    ),
    ControlMessage(job_id=JOB),
    Heartbeat(
        worker="w",
        deployment="d",
        model="m",
        engine=EngineState.STARTING,
        engine_since=NOW,
        ready_in_seconds=40,
        tensor_parallel_size=8,
        max_num_seqs=32,
        max_model_len=2048,
        running=1,
        waiting=0,
        started_at=NOW,
        sent_at=NOW,
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_message_survives_the_wire(message: Message) -> None:
    assert type(message).model_validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_event_is_recognised_by_its_type(event: Event) -> None:
    assert EVENT.validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("change", [{"v": 2}, {"unknown": 1}])
def test_unknown_version_or_field_is_refused(message: Message, change: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        type(message).model_validate({**message.model_dump(mode="json"), **change})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", -1),
        ("temperature", 2.1),
        ("top_p", 0.0),
        ("top_k", -1),
        ("presence_penalty", -2.1),
        ("frequency_penalty", 2.1),
        ("seed", -1),
    ],
)
def test_sampling_out_of_range_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValidationError) as caught:
        SamplingParams.model_validate({"max_tokens": 1, field: value})

    assert [fault["loc"] for fault in caught.value.errors()] == [(field,)]


def test_keys_of_one_job_share_a_hash_tag() -> None:
    keys = [
        key(JOB)
        for key in (
            contract.stream_key,
            contract.end_key,
            contract.lease_key,
            contract.cancel_key,
            contract.recorded_key,
        )
    ]

    assert {key.partition("{")[2].partition("}")[0] for key in keys} == {str(JOB)}
    assert len(set(keys)) == len(keys)
