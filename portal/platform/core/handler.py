"""The site's request handler: it enters a thread once for all middlewares and the view."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import IO, Any

from asgiref.sync import AsyncToSync, iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_started
from django.db import close_old_connections, connections, reset_queries
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.platform.core.concurrency_limit import in_place
from portal.platform.core.request_bodies import BodyReceived

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class SharedThreads(ASGIHandler):
    """Runs requests in shared threads; Django's own handler starts and ends one for each request.

    It also skips Django's cleaning of database connections in a thread before each request,
    because every request closes its own at its end.
    """

    def __init__(self) -> None:
        super().__init__()
        request_started.disconnect(close_old_connections)
        request_started.disconnect(reset_queries)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401
        if scope["type"] != "http":
            raise ValueError(f"this site speaks HTTP only, not {scope['type']}")
        await self.handle(scope, receive, send)

    async def read_body(self, receive: Any) -> IO[bytes]:  # noqa: ANN401
        if isinstance(receive, BodyReceived):
            return receive.file
        body: IO[bytes] = await super().read_body(receive)
        return body


class SiteHandler(SharedThreads):
    """Stays in one thread; Django's own handler returns to the event loop before each view.

    The asynchronous middlewares in front stay in the event loop. From the first synchronous one
    on, everything runs in one of the site's threads, which releases its database connection
    before the response begins: streams hold none. An asynchronous view still runs in the event
    loop.
    """

    def __init__(self, *, places: int, is_limited: bool = True) -> None:
        """Let `places` requests into threads, counted with all other work at the database.

        The probes, which wait for nobody, are not limited: they have as many threads of their own.
        """
        self._threads = ThreadPoolExecutor(places, thread_name_prefix="site")
        self._places = places if is_limited else None
        super().__init__()

    def load_middleware(self, is_async: bool = True) -> None:  # noqa: FBT001, FBT002, ARG002 -- Django's signature
        super().load_middleware(is_async=False)
        chain: Any = self._middleware_chain  # type: ignore[has-type]  # set by Django
        # Django has wrapped it for a synchronous server.
        chain = chain.awaitable if isinstance(chain, AsyncToSync) else chain
        self._middleware_chain = chain if iscoroutinefunction(chain) else self._in_thread(chain)

    def adapt_method_mode(
        self,
        is_async: bool,  # noqa: FBT001 -- Django's signature
        method: Any,  # noqa: ANN401
        method_is_async: bool | None = None,  # noqa: FBT001
        debug: bool = False,  # noqa: FBT001, FBT002
        name: str | None = None,
    ) -> Any:  # noqa: ANN401
        if is_async and not iscoroutinefunction(method):
            return self._in_thread(method)
        return super().adapt_method_mode(is_async, method, method_is_async, debug, name)

    def _in_thread(self, method: GetResponse) -> Any:  # noqa: ANN401 -- asgiref's own type
        @wraps(method)
        def call(request: HttpRequest) -> HttpResponseBase:
            try:
                return method(request)
            finally:
                connections.close_all()

        run = sync_to_async(call, thread_sensitive=False, executor=self._threads)
        if (places := self._places) is None:
            return run

        async def run_in_place(request: HttpRequest) -> HttpResponseBase:
            return await in_place(lambda: run(request), places=places)

        return run_in_place
