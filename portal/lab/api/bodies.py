"""The one door for JSON bodies of the API."""

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
    """Raises `DomainError` for what a database cannot keep or Python cannot walk through."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        read: Callable[[], DictStrAny] = getattr(request, "read_json", partial(_read, request))
        return read()


async def read_body(request: HttpRequest, *, person: int) -> None:
    """Count the body as read for the person, and take a large one apart when it is their turn.

    What is wrong with its JSON is raised where the body is used. Raises `DomainError` beyond what
    is read for one person, or for one request.
    """
    # A file is read in pieces, when it is asked for.
    if (request.content_type or "").startswith("multipart/") or not request.body:
        return
    count = sync_to_async(take_bytes, thread_sensitive=False)
    request.META[ALLOWANCE] = await count(person, len(request.body))
    require_few_parts(request.body, name="The body")
    if not is_light(request):
        request.read_json = await in_turn(person, partial(_try_to_read, request))  # type: ignore[attr-defined]


def describe_allowance(request: HttpRequest) -> dict[str, str]:
    """What is read of the person's requests in this minute, as headers; empty where none was."""
    allowance: Allowance | None = request.META.get(ALLOWANCE)
    if allowance is None:
        return {}
    return {
        "x-ratelimit-limit-bytes": str(allowance.bytes),
        "x-ratelimit-remaining-bytes": str(allowance.left),
        "x-ratelimit-reset-bytes": f"{allowance.seconds}s",
    }


def is_light(request: HttpRequest) -> bool:
    """Whether what has to be done for a request of this size may be done at once."""
    return len(request.body) <= LARGE_BYTES


def _try_to_read(request: HttpRequest) -> Callable[[], DictStrAny]:
    """The body, or what is wrong with it, as a function that has done its work."""
    read: Future[DictStrAny] = Future()
    try:
        read.set_result(_read(request))
    except Exception as error:  # noqa: BLE001 -- raised where the body is used
        read.set_exception(error)
    return read.result


def _read(request: HttpRequest) -> DictStrAny:
    body: DictStrAny = read_json(request.body)
    return body
