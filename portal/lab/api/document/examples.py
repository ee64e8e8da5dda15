"""One working request and its response for every operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portal.lab.api.document.decision_examples import DECISION_EXAMPLES
from portal.lab.api.document.example import MODEL, Example, page_of

JOB: Final = "4b5de9f5-5a9d-4bd5-8d0f-2c6f6e0a8d11"
CALL: Final = "9a6c8f0e-1d52-4a5e-9d0c-5d1a1f6f3c20"
FILE: Final = "file-7b1a6cb4a0cc4d0f9dfc0f2f6a1d9e55"
BATCH: Final = "batch_5e0d1f0c8e834c2f8a31b3f3f0c7a9d2"
CREATED: Final = 1_790_000_000
USAGE: Final = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
PROVENANCE: Final = {
    "engine": "vllm",
    "engine_version": "0.32.0",
    "model": MODEL,
    "weights": "sha256:5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c",
    "dtype": "float32",
    "tensor_parallel_size": 1,
    "pipeline_parallel_size": 1,
    "max_model_len": 2048,
}


def _head(object_name: str, identity: str) -> dict[str, Any]:
    return {
        "id": identity,
        "object": object_name,
        "created": CREATED,
        "model": MODEL,
        "system_fingerprint": "fp_5b2f8f0f2a7c4e10",
    }


_CALL_ID = f"call-{CALL.replace('-', '')}"
_MODEL_OBJECT: dict[str, Any] = {
    "id": MODEL,
    "object": "model",
    "created": 0,
    "owned_by": "Hugging Face",
    "name": "SmolLM2 135M Instruct",
    "aliases": ["HuggingFaceTB/SmolLM2-135M-Instruct", MODEL],
    "max_model_len": 2048,
    "status": "ready",
    "parameters": 134_515_008,
    "max_logprobs": 100,
    "provenance": PROVENANCE,
}
_COMPLETION: dict[str, Any] = {
    **_head("text_completion", f"cmpl-{CALL.replace('-', '')}"),
    "choices": [
        {
            "index": 0,
            "text": " Paris, and the",
            "finish_reason": "length",
            "logprobs": None,
            "job_id": JOB,
        }
    ],
    "usage": USAGE,
    "gatehouse": {
        "call_id": CALL,
        "jobs": [JOB],
        "seeds": [1234],
        "provenance": PROVENANCE,
        "is_repeat": False,
        "warnings": [],
    },
}
_CHAT: dict[str, Any] = {
    **_head("chat.completion", f"chatcmpl-{CALL.replace('-', '')}"),
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Paris.", "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": USAGE,
}
_FILE: dict[str, Any] = {
    "id": FILE,
    "object": "file",
    "bytes": 137,
    "created_at": CREATED,
    "expires_at": CREATED + 2_592_000,
    "filename": "requests.jsonl",
    "purpose": "batch",
    "status": "processed",
}
_BATCH: dict[str, Any] = {
    "id": BATCH,
    "object": "batch",
    "endpoint": "/v1/completions",
    "model": MODEL,
    "errors": None,
    "input_file_id": FILE,
    "completion_window": "24h",
    "status": "in_progress",
    "output_file_id": None,
    "error_file_id": None,
    "created_at": CREATED,
    "expires_at": CREATED + 86_400,
    "in_progress_at": CREATED + 1,
    "finalizing_at": None,
    "completed_at": None,
    "failed_at": None,
    "expired_at": None,
    "cancelling_at": None,
    "cancelled_at": None,
    "request_counts": {"total": 100, "completed": 42, "failed": 0},
    "metadata": {"study": "minimal pairs"},
    "gatehouse": {"paused_code": None, "paused_until": None},
}
_PARIS: dict[str, Any] = {
    "logprob_sum": -0.75,
    "logprob_mean": -0.75,
    "is_greedy": True,
    "ranks": [1],
    "token_ids": [7042],
    "tokens": [" Paris"],
    "token_logprobs": [-0.75],
    "context_tokens": 5,
    "context_token_ids": None,
    "boundary_within_token": False,
}
_ROME: dict[str, Any] = {
    **_PARIS,
    "logprob_sum": -5.25,
    "logprob_mean": -5.25,
    "is_greedy": False,
    "ranks": [9],
    "token_ids": [11_397],
    "tokens": [" Rome"],
    "token_logprobs": [-5.25],
}


PROMPT: Final = "The capital of France is"
EXAMPLES: Final[Mapping[str, Example]] = {
    "list_models": Example({"object": "list", "data": [_MODEL_OBJECT]}),
    "get_model": Example(_MODEL_OBJECT, parameters={"model_id": MODEL}),
    "create_completion": Example(
        _COMPLETION,
        {"model": MODEL, "prompt": PROMPT, "max_tokens": 6, "temperature": 0.7, "seed": 1234},
    ),
    "create_engine_completion": Example(
        _COMPLETION, {"prompt": PROMPT, "max_tokens": 6}, {"engine": MODEL}
    ),
    "create_chat_completion": Example(
        _CHAT,
        {
            "model": MODEL,
            "messages": [{"role": "user", "content": "What is the capital of France?"}],
            "max_tokens": 16,
        },
    ),
    "create_scores": Example(
        {
            **_head("list", _CALL_ID),
            "jobs": [JOB],
            "data": [
                {
                    "index": 0,
                    "context": {
                        "token_ids": [504, 3575, 282, 4649, 314],
                        "tokens": ["The", " capital", " of", " France", " is"],
                        "chosen_by": "request",
                    },
                    "continuations": [_PARIS, _ROME],
                    "best_by_sum": 0,
                    "best_by_mean": 0,
                }
            ],
            "usage": {"prompt_tokens": 12, "completion_tokens": 0, "total_tokens": 12},
        },
        {"model": MODEL, "context": PROMPT, "continuations": [" Paris", " Rome"]},
    ),
    "create_distributions": Example(
        {
            **_head("list", _CALL_ID),
            "jobs": [JOB],
            "data": [
                {
                    "position": 5,
                    "entropy": 3.5,
                    "tokens": [],
                    "top": [{"id": 7042, "token": " Paris", "logprob": -0.75, "rank": 1}],
                }
            ],
            "token_ids": [504, 3575, 282, 4649, 314],
            "tokens": ["The", " capital", " of", " France", " is"],
            "vocabulary": 49_152,
            "usage": {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5},
        },
        {"model": MODEL, "prompt": PROMPT, "positions": [-1], "top": 1},
    ),
    "tokenize": Example(
        {
            "count": 5,
            "max_model_len": 2048,
            "tokens": [504, 3575, 282, 4649, 314],
            "token_strs": ["The", " capital", " of", " France", " is"],
        },
        {"model": MODEL, "prompt": PROMPT, "return_token_strs": True},
    ),
    "detokenize": Example({"prompt": "The capital"}, {"model": MODEL, "tokens": [504, 3575]}),
    "get_job": Example(
        {
            "id": JOB,
            "object": "job",
            "call_id": CALL,
            "model": MODEL,
            "state": "succeeded",
            "sampling": {"max_tokens": 6, "temperature": 0.7, "seed": 1234},
            "prompt_token_ids": [504, 3575, 282, 4649, 314],
            "token_ids": [7042, 28, 284, 260],
            "text": " Paris, and the",
            "usage": {"prompt_tokens": 5, "completion_tokens": 4},
            "provenance": PROVENANCE,
        },
        parameters={"job_id": JOB},
    ),
    "delete_job": Example(
        {"id": JOB, "object": "job", "state": "erased"}, parameters={"job_id": JOB}
    ),
    "get_events": Example(
        {"id": "1790000000000-0", "event": "delta", "data": '{"text": " Paris"}'},
        parameters={"job_id": JOB},
    ),
    "cancel_job": Example(
        {"id": JOB, "object": "job", "state": "cancelled"}, parameters={"job_id": JOB}
    ),
    "replay_job": Example(
        {
            "object": "replay",
            "job": JOB,
            "replay": CALL,
            "is_identical": True,
            "first_difference": None,
            "tokens": {"was": 4, "now": 4},
            "provenance": {"was": PROVENANCE, "now": PROVENANCE},
        },
        parameters={"job_id": JOB},
    ),
    "create_file": Example(_FILE),
    "list_files": Example(page_of(_FILE), parameters={"limit": 20}),
    "get_file": Example(_FILE, parameters={"file_id": FILE}),
    "read_file": Example(
        '{"custom_id": "item-1", "response": {"status_code": 200, "body": {}}, "error": null}\n',
        parameters={"file_id": FILE},
    ),
    "delete_file": Example(
        {"id": FILE, "object": "file", "deleted": True}, parameters={"file_id": FILE}
    ),
    "create_batch": Example(
        _BATCH,
        {
            "input_file_id": FILE,
            "endpoint": "/v1/completions",
            "completion_window": "24h",
            "metadata": {"study": "minimal pairs"},
        },
    ),
    "list_batches": Example(page_of(_BATCH), parameters={"limit": 20}),
    "get_batch": Example(_BATCH, parameters={"batch_id": BATCH}),
    "cancel_batch": Example(
        {**_BATCH, "status": "cancelling", "cancelling_at": CREATED + 60},
        parameters={"batch_id": BATCH},
    ),
    "get_usage": Example(
        {
            "object": "usage",
            "quota": 1_000_000,
            "used": 1_500,
            "left": 998_500,
            "first_back_at": "2026-11-25T09:00:00Z",
            "resets_at": "2026-11-25T12:00:00Z",
            "parallel_jobs": 8,
            "under_way": 0,
            "models": [],
            "own_limits": [],
        }
    ),
    "export_usage": Example("id,created_at,model,door,key,prompt_tokens,completion_tokens,state\n"),
    **DECISION_EXAMPLES,
}
