"""The API's own way through Django: asynchronous all along, without cookies, forms or pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response

from portal.api.middleware import PREFIX, api_middleware
from portal.core.handler import SharedThreads

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class ApiChain:
    """Mixed into one of Django's asynchronous handlers: the short chain instead of MIDDLEWARE."""

    def load_middleware(self, is_async: bool = True) -> None:  # noqa: FBT001, FBT002, ARG002 -- Django's signature
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        inner = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        self._middleware_chain = convert_exception_to_response(api_middleware(inner))  # type: ignore[arg-type]


class ApiHandler(ApiChain, SharedThreads):
    """For `/v1` and all below it."""


def route_api(site: Application, api: Application) -> Application:
    """An ASGI application that sends `/v1/` one way and everything else the other."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401
        # `/v1` as well, which is nothing: the answer is the API's.
        is_api = scope["type"] == "http" and f"{scope['path']}/".startswith(PREFIX)
        await (api if is_api else site)(scope, receive, send)

    return application
