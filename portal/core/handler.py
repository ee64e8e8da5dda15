"""The site's way through Django: into a thread once for all middlewares and the view."""

from __future__ import annotations

from typing import Any

from asgiref.sync import AsyncToSync, sync_to_async
from django.core.handlers.asgi import ASGIHandler


class SiteHandler(ASGIHandler):
    """Django's own handler goes back to the event loop before each view, and to a thread again.

    The middlewares in front that are asynchronous stay in the event loop. From the first one
    that is not, everything is synchronous; an asynchronous view still runs in the event loop.
    """

    def load_middleware(self, is_async: bool = True) -> None:  # noqa: FBT001, FBT002, ARG002 -- Django's signature
        super().load_middleware(is_async=False)
        chain: Any = self._middleware_chain  # type: ignore[has-type]  # set by Django
        self._middleware_chain = (
            # Wrapped by Django for a synchronous server.
            chain.awaitable
            if isinstance(chain, AsyncToSync)
            else sync_to_async(chain, thread_sensitive=True)
        )
