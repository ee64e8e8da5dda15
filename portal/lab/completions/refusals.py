"""What a refusal looks like to the field's clients: status, type and body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings

from inference_workers.contract import FailureCode
from portal.gate.access.enums import Code
from portal.platform.core.errors import DomainError

NEVER_RETRY: Final = {"x-should-retry": "false"}
RETRY_SOON: Final = {"Retry-After": "5"}
RETRY_LATER: Final = {"Retry-After": "60"}


@dataclass(frozen=True)
class Shape:
    """Status, type and headers of a refusal."""

    status: int
    type: str = "invalid_request_error"
    headers: Mapping[str, str] = field(default_factory=dict)


INVALID: Final = Shape(HTTPStatus.BAD_REQUEST)
UNAUTHENTICATED: Final = Shape(HTTPStatus.UNAUTHORIZED, "authentication_error")
FORBIDDEN: Final = Shape(HTTPStatus.FORBIDDEN, "permission_error")
CONFLICT: Final = Shape(HTTPStatus.CONFLICT, headers=NEVER_RETRY)
NOT_FOUND: Final = Shape(HTTPStatus.NOT_FOUND)
BROKEN: Final = Shape(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", NEVER_RETRY)
UNAVAILABLE: Final = Shape(HTTPStatus.SERVICE_UNAVAILABLE, "server_error", RETRY_SOON)

SHAPES: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(Code, FORBIDDEN),
    Code.MODEL_OFFLINE: Shape(HTTPStatus.SERVICE_UNAVAILABLE, "server_error", RETRY_LATER),
    Code.QUOTA_EXCEEDED: Shape(HTTPStatus.TOO_MANY_REQUESTS, "insufficient_quota", NEVER_RETRY),
    "files_full": Shape(HTTPStatus.TOO_MANY_REQUESTS, "insufficient_quota", NEVER_RETRY),
    "rate_limited": Shape(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_error", RETRY_LATER),
    "queue_full": Shape(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_error", RETRY_LATER),
    "invalid_api_key": UNAUTHENTICATED,
    "key_expired": UNAUTHENTICATED,
    "key_revoked": UNAUTHENTICATED,
    "key_scope": FORBIDDEN,
    "key_model": FORBIDDEN,
    "access_ended": FORBIDDEN,
    "https_required": FORBIDDEN,
    "forbidden": FORBIDDEN,
    "reviewers_only": FORBIDDEN,
    "own_application": FORBIDDEN,
    "own_grant": FORBIDDEN,
    "decided_before": FORBIDDEN,
    "changed_meanwhile": CONFLICT,
    "claimed_by_other": CONFLICT,
    "hold_over": CONFLICT,
    "already_endorsed": CONFLICT,
    "model_not_found": NOT_FOUND,
    "no_chat_template": NOT_FOUND,
    "not_found": NOT_FOUND,
    "method_not_allowed": Shape(HTTPStatus.METHOD_NOT_ALLOWED),
    "unsupported_media_type": Shape(HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    "request_timeout": Shape(HTTPStatus.REQUEST_TIMEOUT),
    "request_too_large": Shape(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    "model_loading": UNAVAILABLE,
    "compiler_busy": UNAVAILABLE,
    "server_error": Shape(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error"),
    FailureCode.ENGINE_ERROR: BROKEN,
    FailureCode.DEADLINE_EXCEEDED: BROKEN,
    FailureCode.WORKER_LOST: UNAVAILABLE,
    FailureCode.EXPIRED_IN_QUEUE: UNAVAILABLE,
}
"""By code; a code that is not here is the request's own fault."""


def shape_of(error: DomainError) -> Shape:
    """The status, type and headers that the refusal's code stands for."""
    return SHAPES.get(error.code, INVALID)


def describe_error(error: DomainError) -> dict[str, Any]:
    """`{"error": {...}}`, with the next step where there is one."""
    shape = shape_of(error)
    body: dict[str, Any] = {
        "message": error.message,
        "type": shape.type,
        "param": error.field,
        "code": str(error.code),
    }
    if error.next_url:
        body["next_step"] = settings.SITE_URL + error.next_url
    return {"error": body}
