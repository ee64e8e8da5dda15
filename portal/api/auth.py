"""Who asks: the key in `Authorization: Bearer`."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from portal.catalog.models import HostedModel
from portal.core.database import in_database
from portal.core.errors import DomainError
from portal.core.turnstile import Scope
from portal.keys.domain.authentication import authenticate_key, require_scope
from portal.keys.enums import KeyScope
from portal.keys.models import ApiKey


class KeyAuth(HttpBearer):
    """Answers the key; raises `DomainError` where there is none or it is not good."""

    async def __call__(self, request: HttpRequest) -> ApiKey:
        return await _authenticate(request.headers.get("Authorization", ""))

    async def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        raise NotImplementedError("__call__ does it all")


async def admit_by_key(scope: Scope) -> int:
    """Whose request it is, by its head alone; raises `DomainError` as `KeyAuth` does."""
    headers = dict(scope["headers"])
    key = await _authenticate(headers.get(b"authorization", b"").decode("latin-1"))
    return key.user_id


async def _authenticate(header: str) -> ApiKey:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise DomainError(
            "invalid_api_key",
            "Send your API key in the header: Authorization: Bearer <key>.",
            next_url="/account/keys/",
        )
    return await in_database(lambda: authenticate_key(text.strip(), at=timezone.now()))


def key_of(request: HttpRequest) -> ApiKey:
    """The key that the request came with."""
    key = getattr(request, "auth", None)
    if not isinstance(key, ApiKey):
        raise TypeError("the route asks for no key")
    return key


def require(request: HttpRequest, scope: KeyScope, model: HostedModel | None = None) -> ApiKey:
    """The request's key, if it is for this; raises `DomainError`."""
    key = key_of(request)
    require_scope(key, scope, model)
    return key
