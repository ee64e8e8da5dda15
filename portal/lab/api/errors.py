"""Every refusal of the API, with the body that OpenAI's clients understand."""

from __future__ import annotations

from http import HTTPStatus

from django.http import JsonResponse

from portal.lab.completions.refusals import describe_error
from portal.platform.core.errors import DomainError


class Refusal(JsonResponse):
    """A refusal with the API's body, as opposed to one from a page of the site."""


def answer_error(error: DomainError) -> Refusal:
    """The refusal as a response."""
    shape = error.code.shape
    headers = dict(shape.headers)
    if shape.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Refusal(describe_error(error), status=shape.status, headers=headers)
