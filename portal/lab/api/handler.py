"""The API's own path through Django: fully asynchronous, without cookies, forms or pages."""

from __future__ import annotations

from portal.lab.api.middleware import api_middleware
from portal.platform.core.handler import AsyncResponse, SharedThreads, ShortChain


class ApiChain(ShortChain):
    """The API's middleware only."""

    def wrap(self, get_response: AsyncResponse) -> AsyncResponse:
        return api_middleware(get_response)


class ApiHandler(ApiChain, SharedThreads):
    """For `/v1` and everything below it."""
