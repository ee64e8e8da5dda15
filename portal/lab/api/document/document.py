"""The OpenAPI document: what ninja reads from the routes, and what it cannot know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from portal.lab.api.document.errors import DECIDING, RUNNING, name_of, statuses_of, write_responses
from portal.lab.api.document.examples import EXAMPLES
from portal.platform.core.idempotency import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_LENGTH

METHODS: Final = ("get", "post", "delete")
TEXT: Final = {"schema": {"type": "string"}}
HEADERS: Final[Mapping[str, str]] = {
    "RequestId": "Names the request in the server's log. Quote it when you ask for help.",
    "RetryAfter": "Seconds after which another try may succeed.",
    "LimitTokens": "Your quota of tokens in any 24 hours.",
    "RemainingTokens": "Tokens left of the quota before this request.",
    "LimitRequests": "How many of your runs may be under way at a time; others wait their turn.",
    "RemainingRequests": "How many more runs could begin now.",
    "LimitBytes": "How many bytes of your requests are read in a minute.",
    "RemainingBytes": "Bytes left in this minute after this request.",
}
"""What each header of a response says."""
LIMITS: Final[Mapping[str, str]] = {
    "x-ratelimit-limit-tokens": "LimitTokens",
    "x-ratelimit-remaining-tokens": "RemainingTokens",
    "x-ratelimit-limit-requests": "LimitRequests",
    "x-ratelimit-remaining-requests": "RemainingRequests",
}
BYTES: Final[Mapping[str, str]] = {
    "x-ratelimit-limit-bytes": "LimitBytes",
    "x-ratelimit-remaining-bytes": "RemainingBytes",
}
"""For operations with a JSON body."""
STREAMING: Final = frozenset(
    {"create_completion", "create_engine_completion", "create_chat_completion"}
)
STRICT: Final = STREAMING
EVENTS: Final = {
    "schema": {
        "type": "object",
        "description": "Each event.",
        "properties": {
            "id": {"type": "string"},
            "event": {"type": "string"},
            "data": {"type": "string"},
        },
    }
}
BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
OTHER_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    **{key: {"text/event-stream": EVENTS} for key in sorted(STREAMING)},
    "create_distributions": {
        "application/x-npz": BINARY,
        "application/x-safetensors": BINARY,
    },
    "get_events": {"text/event-stream": EVENTS},
    "read_file": {"application/jsonl": TEXT},
    "export_usage": {"text/csv": TEXT},
}
"""Content types of responses in addition to JSON, or instead of it."""
IDEMPOTENCY: Final = {
    "in": "header",
    "name": IDEMPOTENCY_KEY,
    "required": False,
    "description": "A second request with the same key and body gets the runs or the decision of "
    "the first; with another body it gets a 400.",
    "schema": {"type": "string", "maxLength": IDEMPOTENCY_KEY_LENGTH},
}
STRICTNESS: Final = {
    "in": "header",
    "name": "Gatehouse-Strict",
    "required": False,
    "description": "With true, an unknown field is a 400 instead of a warning.",
    "schema": {"type": "string", "enum": ["true", "false"]},
}
LAST_EVENT: Final = {
    "in": "header",
    "name": "Last-Event-ID",
    "required": False,
    "description": "The id of the last event you have; the stream continues after it.",
    "schema": {"type": "string"},
}
PARAMETERS: Final[Mapping[str, str]] = {
    "model_id": "The model's id or one of its aliases; a slash in it needs no escape.",
    "engine": "The model's id or one of its aliases.",
    "job_id": "One of `gatehouse.jobs` in a response.",
    "file_id": "The `id` that `POST /v1/files` returned.",
    "batch_id": "The `id` that `POST /v1/batches` returned.",
    "case_number": "An application's `id`.",
    "grant_id": "A grant's `id`.",
    "status": "Only applications with this status; empty for all.",
    "state": "Only grants in this state.",
    "model": "Only grants for this model.",
    "after": "The `last_id` of the previous page.",
    "limit": "The largest number of items to return.",
    "order": "By the time of creation.",
    "purpose": "Only files of this purpose: `batch` or `batch_output`.",
}


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """Add examples, refusals, headers and content types other than JSON; in place."""
    components = document["components"]
    components["responses"] = write_responses()
    components["headers"] = {
        name: {"description": words, **TEXT} for name, words in HEADERS.items()
    }
    components["securitySchemes"]["KeyAuth"] |= {
        "description": "Your personal key: Authorization: Bearer gh_…",
        "bearerFormat": "gh_ and 48 letters and digits",
    }
    for _, _, operation in operations_of(document):
        _complete(operation)
    return document


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation, in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _complete(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    example = EXAMPLES[name]
    parameters = operation.setdefault("parameters", [])
    if name in RUNNING or name in DECIDING:
        parameters.append(IDEMPOTENCY)
    if name in STRICT:
        parameters.append(STRICTNESS)
    if name == "get_events":
        parameters.append(LAST_EVENT)
    for parameter in parameters:
        if parameter["name"] in PARAMETERS:
            parameter["description"] = PARAMETERS[parameter["name"]]
        if parameter["name"] in (example.parameters or {}):
            parameter["example"] = (example.parameters or {})[parameter["name"]]
    body = operation.get("requestBody", {}).get("content", {})
    if example.request is not None:
        body["application/json"]["example"] = example.request
    # ninja's keys are numbers, which JSON turns into strings.
    operation["responses"] = {str(int(key)): it for key, it in operation["responses"].items()}
    _complete_answer(operation, example=example.response)
    refusals = statuses_of(name, has_body=bool(body))
    operation["responses"] = {
        "200": operation["responses"]["200"],
        **{str(each): {"$ref": f"#/components/responses/{name_of(each)}"} for each in refusals},
    }


def _complete_answer(operation: dict[str, Any], *, example: object) -> None:
    name = operation["operationId"]
    answer = operation["responses"].setdefault("200", {"description": "OK"})
    content = answer.setdefault("content", {})
    if "application/json" in content:
        content["application/json"]["example"] = example
    others = OTHER_TYPES.get(name, {})
    is_json = "application/json" in content
    content.update(
        {
            kind: dict(media) if is_json else {**media, "example": example}
            for kind, media in others.items()
        }
    )
    is_read = "application/json" in operation.get("requestBody", {}).get("content", {})
    told = {
        "X-Request-ID": "RequestId",
        **(LIMITS if name in STREAMING else {}),
        **(BYTES if is_read else {}),
    }
    answer["headers"] = {
        header: {"$ref": f"#/components/headers/{to}"} for header, to in told.items()
    }
