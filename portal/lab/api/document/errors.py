"""The refusals of each operation, and the meaning of each status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portal.lab.completions.refusals import describe_error
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import INVALID, RefusalCode

MEANINGS: Final[Mapping[int, tuple[RefusalCode, str, str]]] = {
    400: (
        RefusalCode.INVALID_VALUE,
        "The request has an error; param names the field. Do not repeat it unchanged.",
        "max_tokens must be at least 0.",
    ),
    401: (
        RefusalCode.INVALID_API_KEY,
        "There is no key, or it is wrong, expired or revoked.",
        "Send your API key in the header: Authorization: Bearer <key>.",
    ),
    403: (
        RefusalCode.KEY_SCOPE,
        "The key is not for this, or its owner may not use the model; next_step says what to do.",
        "This key is not for completions.",
    ),
    404: (
        RefusalCode.MODEL_NOT_FOUND,
        "There is nothing with this name, or it is not yours.",
        "There is no model 'gpt-3' here. Open to this key: smollm2-135m.",
    ),
    405: (
        RefusalCode.METHOD_NOT_ALLOWED,
        "The address does not accept this method; the header Allow names those it accepts.",
        "/v1/completions does not accept GET. See /docs/api/.",
    ),
    408: (
        RefusalCode.REQUEST_TIMEOUT,
        "The body did not arrive in time.",
        "The request did not arrive within 30 seconds. Try again.",
    ),
    409: (
        RefusalCode.CHANGED_MEANWHILE,
        "Another person was first; the message says who. Read again before you decide.",
        (
            "Nothing was changed. This application is now “approved”: approved by Rita Reviewer "
            "on 25 November 2026 at 12:00 UTC."
        ),
    ),
    413: (
        RefusalCode.REQUEST_TOO_LARGE,
        "The body is larger than the site accepts.",
        "The request is too large.",
    ),
    415: (
        RefusalCode.UNSUPPORTED_MEDIA_TYPE,
        "The address does not accept this kind of body: for example, it is compressed.",
        (
            "The body is compressed (gzip), which is not supported. Send it as it is, without "
            "Content-Encoding."
        ),
    ),
    429: (
        RefusalCode.QUOTA_EXCEEDED,
        (
            "The quota of 24 hours is used up or the room for files is full (x-should-retry: "
            "false), or your share of the queue is full or the bytes of this minute are used up "
            "(Retry-After). Too many requests at a time are not an error: they wait their turn."
        ),
        "The quota of tokens is used up.",
    ),
    500: (
        RefusalCode.SERVER_ERROR,
        "Something broke on our side. It has been logged.",
        "Something broke on our side. It has been logged; try again.",
    ),
    503: (
        RefusalCode.MODEL_OFFLINE,
        "The model is not served now; Retry-After says when to come back.",
        "This model is not loaded now.",
    ),
}
EVERYWHERE: Final = frozenset({400, 401, 403, 405, 500})
RUNNING: Final = frozenset(
    {
        "create_completion",
        "create_engine_completion",
        "create_chat_completion",
        "create_scores",
        "create_distributions",
        "replay_job",
    }
)
"""Operations that run a model: the quota may be used up, or the model offline."""
KEEPING: Final = frozenset({"create_file"})
"""Operations that store a file, for which there may be no room."""
DECIDING: Final = frozenset(
    {
        "approve_application",
        "refuse_application",
        "return_application",
        "take_back_decision",
        "suspend_grant",
        "resume_grant",
        "revoke_grant",
    }
)
"""Operations that another reviewer's command may precede."""
NAMING_NOTHING: Final = frozenset(
    {"list_grants", "list_models", "get_usage", "export_usage", "create_file"}
)
"""Operations that name neither a model nor an object of the caller's."""
OF_WEIGHTS: Final = frozenset(
    {
        RefusalCode.REPOSITORY_NOT_FOUND,
        RefusalCode.REVISION_NOT_FOUND,
        RefusalCode.FILE_NOT_FOUND,
        RefusalCode.RANGE_NOT_SATISFIABLE,
        RefusalCode.DOWNLOAD_QUOTA_EXCEEDED,
        RefusalCode.TOO_MANY_DOWNLOADS,
        RefusalCode.FILE_UNREADABLE,
    }
)
"""Refusals below `/hub/`, which are none of `/v1`."""
NEEDING_ENGINE: Final = frozenset({"tokenize", "detokenize"})


def statuses_of(operation_id: str, *, has_body: bool) -> list[int]:
    """The refusals of one operation, in order."""
    found = set(EVERYWHERE)
    if operation_id not in NAMING_NOTHING:
        found.add(404)
    if has_body:
        found |= {408, 413, 415}
    if operation_id in RUNNING:
        found |= {429, 503}
    if operation_id in KEEPING:
        found.add(429)
    if operation_id in DECIDING:
        found.add(409)
    if operation_id in NEEDING_ENGINE:
        found.add(503)
    return sorted(found)


def write_responses() -> dict[str, Any]:
    """`components.responses`: one for each status, with its meaning and an example."""
    return {name_of(status): _write(status) for status in MEANINGS}


def name_of(status: int) -> str:
    """The response's name in the document."""
    return f"Refusal{status}"


def codes_by_status() -> dict[int, list[str]]:
    """Every code of the API that has a status of its own; all other codes are 400."""
    found: dict[int, list[str]] = {status: [] for status in MEANINGS}
    for code in RefusalCode:
        if code.shape is not INVALID and code not in OF_WEIGHTS:
            found.setdefault(code.shape.status, []).append(code)
    return found


def _write(status: int) -> dict[str, Any]:
    code, meaning, message = MEANINGS[status]
    headers: dict[str, Any] = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    if status in (429, 503):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "description": meaning,
        "headers": headers,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ErrorBody"},
                "example": describe_error(DomainError(code, message)),
            }
        },
    }
