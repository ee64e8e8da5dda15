"""Middleware that every request passes."""

from __future__ import annotations

import uuid

import structlog
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse

from portal.platform.core.base_middleware import Middleware
from portal.platform.core.http import has_nul
from portal.platform.core.request_bodies import refusal_of
from portal.platform.core.views import method_not_allowed, refuse_body


class RequestContextMiddleware(Middleware):
    """Gives each request an id, in the logs and in the response's `X-Request-ID`."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class AddressMiddleware(Middleware):
    """Refuses an address with a NUL: no page has one, and PostgreSQL cannot search for it."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            raise Http404
        if has_nul(request.META.get("QUERY_STRING", "")):
            raise BadRequest("a NUL in the query")
        return self.get_response(request)


class RefusedBodyMiddleware(Middleware):
    """Responds to a request whose body was refused, instead of its page."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal = refusal_of(request)
        return refuse_body(request, refusal) if refusal else self.get_response(request)


class MethodPageMiddleware(Middleware):
    """Fills the empty response to a wrong method with a page or JSON."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_empty = response.status_code == 405 and not response.streaming and not response.content
        if not is_empty:
            return response
        return method_not_allowed(request, allow=response.headers["Allow"])
