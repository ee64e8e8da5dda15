"""The way of `/hub/` through Django: asynchronous, without cookies, forms or pages."""

from __future__ import annotations

from portal.library.weights.hub.middleware import hub_middleware
from portal.platform.core.handler import AsyncResponse, SharedThreads, ShortChain


class HubChain(ShortChain):
    """The Hub's middleware only."""

    chunk_size = 2**20
    """Django would cut pieces of files into 64 KiB."""

    def wrap(self, get_response: AsyncResponse) -> AsyncResponse:
        return hub_middleware(get_response)


class HubHandler(HubChain, SharedThreads):
    """For `/hub` and everything below it."""
