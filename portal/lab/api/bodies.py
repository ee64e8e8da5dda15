"""The one place where JSON bodies of the API are read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny

from portal.lab.quota.domain.bytes_read import Allowance, take_bytes
from portal.platform.core.json_text import LARGE_BYTES, read_json, require_few_parts
from portal.platform.core.turns import in_turn

ALLOWANCE: Final = "gatehouse.allowance"


class StorableParser(Parser):
    """Raises `DomainError` for values that a database cannot store, or nested too deeply."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        read: Callable[[], DictStrAny] = getattr(request, "read_json", partial(_read, request))
        return read()


async def read_body(request: HttpRequest, *, person: int) -> None:
    """Count the body's bytes for the person, and parse a large body when it is their turn.

    Errors in its JSON are raised where the body is used. Raises `DomainError` if the person's
    requests, or this one, exceed what is read.
    """
    # A file is read in pieces, when the route needs it.
    if (request.content_type or "").startswith("multipart/") or not request.body:
        return
    count = sync_to_async(take_bytes, thread_sensitive=False)
    request.META[ALLOWANCE] = await count(person, len(request.body))
    require_few_parts(request.body, name="The body")
    if not is_light(request):
        request.read_json = await in_turn(person, partial(_try_to_read, request))  # type: ignore[attr-defined]


def describe_allowance(request: HttpRequest) -> dict[str, str]:
    """Headers with the person's byte limit of this minute; empty if no body was counted."""
    allowance: Allowance | None = request.META.get(ALLOWANCE)
    if allowance is None:
        return {}
    return {
        "x-ratelimit-limit-bytes": str(allowance.bytes),
        "x-ratelimit-remaining-bytes": str(allowance.left),
        "x-ratelimit-reset-bytes": f"{allowance.seconds}s",
    }


def is_light(request: HttpRequest) -> bool:
    """Whether the request is small enough to be processed without waiting for a turn."""
    return len(request.body) <= LARGE_BYTES


def _try_to_read(request: HttpRequest) -> Callable[[], DictStrAny]:
    """Parse the body; return a function that returns the result or raises the error."""
    read: Future[DictStrAny] = Future()
    try:
        read.set_result(_read(request))
    except Exception as error:  # noqa: BLE001 -- raised where the body is used
        read.set_exception(error)
    return read.result


def _read(request: HttpRequest) -> DictStrAny:
    body: DictStrAny = read_json(request.body)
    return body
