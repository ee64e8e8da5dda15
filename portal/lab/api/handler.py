"""The API's own path through Django: JSON for every error, and the allowance in every response."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal.lab.api.bodies import describe_allowance
from portal.lab.api.errors import Refusal, answer_error
from portal.platform.core.errors import DomainError
from portal.platform.core.handler import SharedThreads
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.short_chain import ShortChain

PREFIX: Final = "/v1/"


class ApiChain(ShortChain):
    """The API's middleware only."""

    words = {
        HTTPStatus.BAD_REQUEST: (RefusalCode.INVALID_VALUE, "The request could not be understood."),
        HTTPStatus.FORBIDDEN: (RefusalCode.FORBIDDEN, "{path} is not open to this key."),
        HTTPStatus.NOT_FOUND: (
            RefusalCode.NOT_FOUND,
            "There is no {method} {path}. See /docs/api/.",
        ),
        HTTPStatus.METHOD_NOT_ALLOWED: (
            RefusalCode.METHOD_NOT_ALLOWED,
            "{path} does not accept {method}. See /docs/api/.",
        ),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
            RefusalCode.REQUEST_TOO_LARGE,
            "The request is too large.",
        ),
    }
    no_such_address = RefusalCode.NOT_FOUND
    use_https = "Use https:// for the API."
    refusal = Refusal

    def refuse(self, error: DomainError) -> HttpResponse:
        return answer_error(error)

    def add_headers(
        self, request: HttpRequest, response: HttpResponseBase, *, seconds: float
    ) -> None:
        for name, value in describe_allowance(request).items():
            response[name] = value
        response["openai-processing-ms"] = str(round(seconds * 1000))


class ApiHandler(ApiChain, SharedThreads):
    """For `/v1` and everything below it."""
