"""Every refusal of the API as the one body that the field's clients understand."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

from portal.completions.refusals import describe_error, shape_of
from portal.core.errors import DomainError


def answer_error(error: DomainError) -> JsonResponse:
    """The refusal as a response."""
    shape = shape_of(error)
    headers = dict(shape.headers)
    if shape.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse(describe_error(error), status=shape.status, headers=headers)


def describe_invalid(errors: list[dict[str, Any]]) -> DomainError:
    """Pydantic's findings as one sentence about the first field at fault."""
    first = errors[0]
    path = [str(part) for part in first["loc"] if part not in ("body", "payload", "query")]
    field_name = ".".join(path) or None
    name = field_name or "The request"
    match first["type"]:
        case "json_invalid":
            message = "The body is not valid JSON."
        case "missing":
            message = f"{name} is missing."
        case "extra_forbidden":
            message = f"{name} is not known here."
        case _:
            message = f"{name}: {str(first['msg']).removeprefix('Value error, ')}."
    return DomainError("invalid_value", message, field=field_name)
