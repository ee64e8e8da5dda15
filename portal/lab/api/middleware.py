"""What every response of the API has: an id, a time, metrics, and JSON for every error."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal.lab.api.bodies import describe_allowance
from portal.lab.api.errors import Refusal, answer_error
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.http import has_nul
from portal.platform.core.metrics import count_request
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.request_bodies import refusal_of
from portal.platform.core.tracing import describe_span, request_span

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
PREFIX: Final = "/v1/"
WORDS: Final = {
    HTTPStatus.BAD_REQUEST: (RefusalCode.INVALID_VALUE, "The request could not be understood."),
    HTTPStatus.FORBIDDEN: (RefusalCode.FORBIDDEN, "{path} is not open to this key."),
    HTTPStatus.NOT_FOUND: (RefusalCode.NOT_FOUND, "There is no {method} {path}. See /docs/api/."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        RefusalCode.METHOD_NOT_ALLOWED,
        "{path} does not accept {method}. See /docs/api/.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        RefusalCode.REQUEST_TOO_LARGE,
        "The request is too large.",
    ),
}


def api_middleware(get_response: GetResponse) -> GetResponse:
    """The API's only middleware, so that no request changes thread on its way."""

    async def answer(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        with request_span() as span:
            if (refusal := _find_refusal(request)) is not None:
                response: HttpResponseBase = answer_error(refusal)
            else:
                response = _as_json(request, await get_response(request))
            describe_span(span, request, response)
        seconds = time.perf_counter() - began
        count_request(request, response, seconds=seconds)
        response["X-Request-ID"] = request_id
        for name, value in describe_allowance(request).items():
            response[name] = value
        response["openai-processing-ms"] = str(round(seconds * 1000))
        if isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
        response["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        if settings.SECURE_HSTS_SECONDS:
            response["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        return response

    return answer


def _find_refusal(request: HttpRequest) -> DomainError | None:
    """Why the request does not get as far as its route."""
    try:
        request.get_host()
    except DisallowedHost:
        return invalid_value("This is not the site's host name.")
    if "\0" in request.path_info:
        return DomainError(RefusalCode.NOT_FOUND, "The address contains a NUL character.")
    if has_nul(request.META.get("QUERY_STRING", "")):
        return invalid_value("The query contains a NUL character.")
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        # A redirect would come too late: the key was already sent unencrypted.
        return DomainError(RefusalCode.HTTPS_REQUIRED, "Use https:// for the API.")
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        return DomainError(
            RefusalCode.UNSUPPORTED_MEDIA_TYPE,
            f"The body is compressed ({encoding[:20]}), which is not supported. Send it as it "
            "is, without Content-Encoding.",
            field="Content-Encoding",
        )
    return refusal_of(request)


def _as_json(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response; an error of Django or the site gets the API's body."""
    if response.status_code < 400 or isinstance(response, Refusal):
        return response
    code, words = WORDS.get(
        HTTPStatus(response.status_code),
        (RefusalCode.SERVER_ERROR, "Something broke on our side. It has been logged."),
    )
    message = words.format(method=request.method, path=request.path_info)
    answer = answer_error(DomainError(code, message))
    if "Allow" in response:
        answer["Allow"] = response["Allow"]
    return answer
