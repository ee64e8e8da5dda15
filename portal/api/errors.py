"""Every refusal of the API as the one body that the field's clients understand."""

from __future__ import annotations

from http import HTTPStatus

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
