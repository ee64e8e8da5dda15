"""What every response below `/hub/` has: an id, metrics, and the Hub's headers for errors."""

from __future__ import annotations

import time
import uuid
from http import HTTPStatus
from typing import Final

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal.library.weights.hub.refusals import HubRefusal, answer_refusal
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.handler import AsyncResponse
from portal.platform.core.http import has_nul
from portal.platform.core.metrics import count_request
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.request_bodies import refusal_of
from portal.platform.core.tracing import describe_span, request_span

PREFIX: Final = "/hub/"
WORDS: Final = {
    HTTPStatus.BAD_REQUEST: (RefusalCode.INVALID_VALUE, "The request could not be understood."),
    HTTPStatus.NOT_FOUND: (
        RefusalCode.REPOSITORY_NOT_FOUND,
        "There is no {path} here. This site has models and datasets only.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        RefusalCode.METHOD_NOT_ALLOWED,
        "{path} does not accept {method}: repositories here are read-only.",
    ),
}


def hub_middleware(get_response: AsyncResponse) -> AsyncResponse:
    """The only middleware of `/hub/`."""

    async def answer(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        request_id = uuid.uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        with request_span() as span:
            if (refusal := _find_refusal(request)) is not None:
                response: HttpResponseBase = answer_refusal(refusal)
            else:
                response = _as_refusal(request, await get_response(request))
            describe_span(span, request, response)
        count_request(request, response, seconds=time.perf_counter() - began)
        response["X-Request-ID"] = request_id
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
        response["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        if settings.SECURE_HSTS_SECONDS:
            response["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        return response

    return answer


def _find_refusal(request: HttpRequest) -> DomainError | None:
    """Why the request does not get as far as its view."""
    try:
        request.get_host()
    except DisallowedHost:
        return invalid_value("This is not the site's host name.")
    if "\0" in request.path_info or has_nul(request.META.get("QUERY_STRING", "")):
        return DomainError(RefusalCode.FILE_NOT_FOUND, "The address contains a NUL character.")
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        # A redirect would come too late: the key was already sent unencrypted.
        return DomainError(RefusalCode.HTTPS_REQUIRED, "HF_ENDPOINT must begin with https://.")
    return refusal_of(request)


def _as_refusal(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response; an error of Django gets the Hub's headers."""
    if response.status_code < 400 or isinstance(response, HubRefusal):
        return response
    code, words = WORDS.get(
        HTTPStatus(response.status_code),
        (RefusalCode.SERVER_ERROR, "Something broke on our side. It has been logged."),
    )
    path = request.path_info[:200]
    answer = answer_refusal(DomainError(code, words.format(method=request.method, path=path)))
    if "Allow" in response:
        answer["Allow"] = response["Allow"]
    return answer
