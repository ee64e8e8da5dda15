"""A program that talks to `/hub/`, through its own chain and no other middleware."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.test import AsyncClient
from django.test.client import AsyncClientHandler

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.text import make_text
from portal.library.weights.hub.handler import HubChain
from portal.platform.accounts.models import User
from tests.factories.keys import ApiKeyFactory


class HubClientHandler(HubChain, AsyncClientHandler):
    """The application that serves `/hub/`, without a socket."""


class HubClient(AsyncClient):
    """Sends its key with every request. Needs a transactional database, as the API's client."""

    def __init__(self, key: str = "") -> None:
        super().__init__(raise_request_exception=False)
        self.handler = HubClientHandler(enforce_csrf_checks=True)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def generic(self, *args: Any, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        # Django's client loses headers for all requests in its scope.
        return super().generic(*args, headers={**self._headers, **(headers or {})}, **options)


def make_key(user: User, **changes: Any) -> str:
    """The text of a new key of the person, for weights only."""
    text = make_text()
    fields = {"scopes": [KeyScope.WEIGHTS], **changes}
    models = fields.pop("models", [])
    key = ApiKeyFactory.create(user=user, lookup=text.lookup, digest=text.digest, **fields)
    key.allowed_models.set(models)
    return text.whole


async def read_body(response: Any) -> bytes:
    """The bytes of a response, streamed or not."""
    if not response.streaming:
        return bytes(response.content)
    return b"".join([piece async for piece in response.streaming_content])
