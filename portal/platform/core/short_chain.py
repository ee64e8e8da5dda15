"""The way of programs' requests through Django: asynchronous, without cookies, forms or pages."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.http import has_nul
from portal.platform.core.metrics import count_request
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.request_bodies import refusal_of
from portal.platform.core.tracing import describe_span, request_span

AsyncResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
BROKEN = (RefusalCode.SERVER_ERROR, "Something broke on our side. It has been logged.")


class ShortChain:
    """Mixed into one of Django's asynchronous handlers: one middleware instead of MIDDLEWARE.

    Every response has an id and is counted and traced. Every error is a refusal in the interface's
    own form, also those that Django would answer with a page.
    """

    words: ClassVar[Mapping[HTTPStatus, tuple[RefusalCode, str]]]
    """For Django's errors; `{method}` and `{path}` are the request's."""
    no_such_address: ClassVar[RefusalCode]
    use_https: ClassVar[str]
    refusal: ClassVar[type[HttpResponse]]
    """A response that is in the interface's form already."""

    def refuse(self, error: DomainError) -> HttpResponse:
        """The refusal as a response."""
        raise NotImplementedError

    def add_headers(
        self, request: HttpRequest, response: HttpResponseBase, *, seconds: float
    ) -> None:
        """What only this interface adds to every response."""

    def load_middleware(self, is_async: bool = True) -> None:  # noqa: FBT001, FBT002, ARG002 -- Django's signature
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        inner = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        self._middleware_chain = convert_exception_to_response(self._wrap(inner))  # type: ignore[arg-type]

    def _wrap(self, get_response: AsyncResponse) -> AsyncResponse:
        """The only middleware, asynchronous so that no request changes thread on its way."""

        async def answer(request: HttpRequest) -> HttpResponseBase:
            began = time.perf_counter()
            request_id = uuid.uuid4().hex
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(request_id=request_id)
            with request_span() as span:
                if (error := self._find_refusal(request)) is not None:
                    response: HttpResponseBase = self.refuse(error)
                else:
                    response = self._in_own_form(request, await get_response(request))
                describe_span(span, request, response)
            seconds = time.perf_counter() - began
            count_request(request, response, seconds=seconds)
            response["X-Request-ID"] = request_id
            self.add_headers(request, response, seconds=seconds)
            if isinstance(response, HttpResponse):
                response.headers.setdefault("Content-Length", str(len(response.content)))
            response["X-Content-Type-Options"] = "nosniff"
            response.headers.setdefault("Cache-Control", "no-store")
            if settings.SECURE_HSTS_SECONDS:
                response["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
            return response

        return answer

    def _find_refusal(self, request: HttpRequest) -> DomainError | None:
        """Why the request does not get as far as its route."""
        try:
            request.get_host()
        except DisallowedHost:
            return invalid_value("This is not the site's host name.")
        if "\0" in request.path_info:
            return DomainError(self.no_such_address, "The address contains a NUL character.")
        if has_nul(request.META.get("QUERY_STRING", "")):
            return invalid_value("The query contains a NUL character.")
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            # A redirect would come too late: the key was already sent unencrypted.
            return DomainError(RefusalCode.HTTPS_REQUIRED, self.use_https)
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            return DomainError(
                RefusalCode.UNSUPPORTED_MEDIA_TYPE,
                f"The body is compressed ({encoding[:20]}), which is not supported. Send it as it "
                "is, without Content-Encoding.",
                field="Content-Encoding",
            )
        return refusal_of(request)

    def _in_own_form(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code < 400 or isinstance(response, self.refusal):
            return response
        code, words = self.words.get(HTTPStatus(response.status_code), BROKEN)
        path = request.path_info[:200]
        answer = self.refuse(DomainError(code, words.format(method=request.method, path=path)))
        if "Allow" in response:
            answer["Allow"] = response["Allow"]
        return answer
