"""A program that talks to the API, through the API's own chain and no other middleware."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.test import AsyncClient
from django.test.client import AsyncClientHandler

from portal.gate.keys.domain.text import make_text
from portal.lab.api.handler import ApiChain
from portal.platform.accounts.models import User
from portal.platform.core.database import in_database
from tests.factories.keys import ApiKeyFactory


class ApiClientHandler(ApiChain, AsyncClientHandler):
    """The application that serves `/v1/`, without a socket."""


class ApiClient(AsyncClient):
    """Sends its key with every request; `json=` is a body. Needs a transactional database.

    The API works in threads with their own connections, so the test's rows must be committed.
    """

    def __init__(self, key: str = "") -> None:
        super().__init__(raise_request_exception=False)
        self.handler = ApiClientHandler(enforce_csrf_checks=True)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def generic(self, *args: Any, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        # Django's client loses headers for all requests in its scope.
        return super().generic(*args, headers={**self._headers, **(headers or {})}, **options)

    async def ask(self, path: str, *, json: object = None, **headers: str) -> Any:
        """POST the body as JSON."""
        return await self.post(path, json, content_type="application/json", headers=headers)


def client_of(user: User, **changes: Any) -> ApiClient:
    """A client with a new key of the person; `changes` are fields of the key."""
    text = make_text()
    ApiKeyFactory.create(user=user, lookup=text.lookup, digest=text.digest, **changes)
    return ApiClient(text.whole)


async def aclient_of(user: User, **changes: Any) -> ApiClient:
    """The same, for tests that run in the event loop."""
    return await in_database(lambda: client_of(user, **changes))
