"""The API's own path through Django: fully asynchronous, without cookies, forms or pages."""

from __future__ import annotations

from typing import Any

from django.core.handlers.exception import convert_exception_to_response

from portal.lab.api.middleware import api_middleware
from portal.platform.core.handler import SharedThreads


class ApiChain:
    """Mixed into one of Django's asynchronous handlers: the short chain instead of MIDDLEWARE."""

    def load_middleware(self, is_async: bool = True) -> None:  # noqa: FBT001, FBT002, ARG002 -- Django's signature
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        inner = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        self._middleware_chain = convert_exception_to_response(api_middleware(inner))  # type: ignore[arg-type]


class ApiHandler(ApiChain, SharedThreads):
    """For `/v1` and everything below it."""
