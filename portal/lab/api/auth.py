"""Authentication of the caller by the key in `Authorization: Bearer`."""

from __future__ import annotations

from enum import Enum, auto

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.gate.decision_api.domain.reviewer import require_reviewer
from portal.gate.keys.domain.authentication import authenticate_key, require_scope
from portal.gate.keys.models import ApiKey
from portal.lab.api.bodies import read_body
from portal.lab.jobs.domain.admission import require_some_access
from portal.platform.core.asgi import Scope
from portal.platform.core.database import in_database
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


class Right(Enum):
    """What a route requires of a key's owner, in addition to the key's own scopes."""

    ACCESS = auto()
    """At least one model is open to them."""
    MODEL = auto()
    """The model that the request names is open to them; the route checks it by `open_model`."""
    REVIEWER = auto()
    NONE = auto()
    """Enough to see and to end the owner's own runs, files and batches."""


class KeyAuth(HttpBearer):
    """Return the key, and read the body. Raises `DomainError` if the key is missing or invalid, or
    its owner lacks the right. A route without its own takes its router's, or `Right.ACCESS`.
    """

    def __init__(self, right: Right = Right.ACCESS) -> None:
        super().__init__()
        self.right = right

    async def __call__(self, request: HttpRequest) -> ApiKey:
        header = request.headers.get("Authorization", "")
        key = await _authenticate(header, right=self.right)
        await read_body(request, person=key.user_id)
        return key

    async def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        raise NotImplementedError("__call__ does it all")


async def admit_by_key(scope: Scope) -> int:
    """The id of the key's owner, from the headers; raises `DomainError` as `KeyAuth` does."""
    headers = dict(scope["headers"])
    key = await _authenticate(headers.get(b"authorization", b"").decode("latin-1"))
    return key.user_id


async def _authenticate(header: str, *, right: Right = Right.NONE) -> ApiKey:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise DomainError(
            RefusalCode.INVALID_API_KEY,
            "Send your API key in the header: Authorization: Bearer <key>.",
            next_url="/account/keys/",
        )
    return await in_database(lambda: _admit(text.strip(), right))


def _admit(text: str, right: Right) -> ApiKey:
    key = authenticate_key(text, at=timezone.now())
    match right:
        case Right.ACCESS:
            require_some_access(key.user)
        case Right.REVIEWER:
            require_reviewer(key)
        case Right.MODEL | Right.NONE:
            pass
    return key


def key_of(request: HttpRequest) -> ApiKey:
    """The key that the request came with."""
    key = getattr(request, "auth", None)
    if not isinstance(key, ApiKey):
        raise TypeError("the route requires no key")
    return key


def require(request: HttpRequest, scope: KeyScope, model: HostedModel | None = None) -> ApiKey:
    """The request's key, if it has the scope, also for the model; raises `DomainError` if not."""
    key = key_of(request)
    require_scope(key, scope, model)
    return key
