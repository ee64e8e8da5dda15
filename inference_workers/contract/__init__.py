"""The interface between the portal and the inference workers: messages, names, keys.

This is the only package of `inference_workers` that the portal may import. It needs only
pydantic. Every message carries `v`; a reader refuses a version that it does not know.
"""

from __future__ import annotations

from inference_workers.contract.chat import ChatTemplate
from inference_workers.contract.codes import (
    CancelReason,
    FailureCode,
    FinishReason,
)
from inference_workers.contract.decoding import UNFINISHED, Decoder, IncrementalDecoder
from inference_workers.contract.events import (
    EVENT,
    Cancelled,
    Delta,
    Done,
    Event,
    Failed,
    Row,
    Scored,
    Snapshot,
    Started,
    TerminalEvent,
    TokenLogprobs,
    Usage,
)
from inference_workers.contract.heartbeat import (
    EnergySource,
    EngineState,
    Heartbeat,
)
from inference_workers.contract.jobs import (
    ControlMessage,
    GenerationRequest,
    JobOutcome,
    JobsStarted,
    JobStarted,
)
from inference_workers.contract.message import (
    Message,
)
from inference_workers.contract.names import (
    HEARTBEAT_SECONDS,
    HEARTBEAT_TTL_SECONDS,
    LEASE_RENEWAL_SECONDS,
    LEASE_SECONDS,
    QUEUE_PORTAL,
    STREAM_TTL_SECONDS,
    TASK_GENERATE,
    TASK_RECORD_OUTCOME,
    TASK_RECORD_STARTED,
    VERSION,
    WORKERS_KEY,
    cancel_key,
    chat_template_key,
    control_channel,
    end_key,
    engine_deaths_key,
    lease_key,
    proof_tokens_key,
    queue_for,
    recorded_key,
    row_key,
    stream_key,
    tokenizer_config_key,
    tokenizer_key,
    worker_key,
)
from inference_workers.contract.provenance import Provenance
from inference_workers.contract.sampling import (
    FULL_VOCABULARY,
    SamplingParams,
    Structure,
    TokenId,
)
from inference_workers.contract.tokenizer import TokenizerConfig

__all__ = [
    "EVENT",
    "FULL_VOCABULARY",
    "HEARTBEAT_SECONDS",
    "HEARTBEAT_TTL_SECONDS",
    "LEASE_RENEWAL_SECONDS",
    "LEASE_SECONDS",
    "QUEUE_PORTAL",
    "STREAM_TTL_SECONDS",
    "TASK_GENERATE",
    "TASK_RECORD_OUTCOME",
    "TASK_RECORD_STARTED",
    "UNFINISHED",
    "VERSION",
    "WORKERS_KEY",
    "CancelReason",
    "Cancelled",
    "ChatTemplate",
    "ControlMessage",
    "Decoder",
    "Delta",
    "Done",
    "EnergySource",
    "EngineState",
    "Event",
    "Failed",
    "FailureCode",
    "FinishReason",
    "GenerationRequest",
    "Heartbeat",
    "IncrementalDecoder",
    "JobOutcome",
    "JobStarted",
    "JobsStarted",
    "Message",
    "Provenance",
    "Row",
    "SamplingParams",
    "Scored",
    "Snapshot",
    "Started",
    "Structure",
    "TerminalEvent",
    "TokenId",
    "TokenLogprobs",
    "TokenizerConfig",
    "Usage",
    "cancel_key",
    "chat_template_key",
    "control_channel",
    "end_key",
    "engine_deaths_key",
    "lease_key",
    "proof_tokens_key",
    "queue_for",
    "recorded_key",
    "row_key",
    "stream_key",
    "tokenizer_config_key",
    "tokenizer_key",
    "worker_key",
]
