"""What a person sent and the site did not accept, kept for an hour so that it is not lost.

It is shown only to the same person in the same browser. Nothing in it is carried out unless they
press a button again. Files are not kept, nor is anything sent to django-allauth's pages, where
people type passwords and codes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from redis import RedisError

from portal.platform.core import form_origin
from portal.platform.core.errors import DomainError
from portal.platform.core.form_origin import read_origin
from portal.platform.core.redis import sync_redis

COOKIE: Final = "unsent"
SECONDS: Final = 3600
MOST_CHARACTERS: Final = 200_000
MOST_PAGES: Final = 20
SIGNED_OUT: Final = "You were signed out when you sent this. Nothing was changed."
SIGNED_IN_AGAIN: Final = (
    "You opened this form before you signed in again. It was not sent, and nothing was changed."
)
NEVER_KEPT: Final = frozenset({"csrfmiddlewaretoken", form_origin.FIELD})
NOT_TYPED: Final = frozenset({"seen", "back", "case"})
"""Hidden fields: sent again, but not shown."""


@dataclass(frozen=True)
class Typed:
    """One field's text, with a label made from the field's name."""

    label: str
    text: str


@dataclass(frozen=True)
class Unsent:
    """A form as it was sent; `page` shows it, `action` accepts it, `why` says why it was not."""

    page: str
    action: str
    why: str
    fields: list[tuple[str, str]]
    is_refused: bool = False
    """Only to be copied: sending it again would be refused again."""

    @property
    def typed(self) -> list[Typed]:
        """What a person may want to copy."""
        return list_typed(self.fields)


def keep_unsent(
    request: HttpRequest,
    response: HttpResponse,
    *,
    why: str,
    page: str | None = None,
    is_refused: bool = False,
) -> bool:
    """Keep the request's fields for the person whose form it is, to be shown on its page.

    `page` names another page instead. Nothing is kept without the form's mark, above the limits
    of this module, or while Valkey does not respond. Return whether it is kept.
    """
    origin, fields = read_origin(request), read_fields(request)
    if origin is None or not fields or sum(len(text) for _, text in fields) > MOST_CHARACTERS:
        return False
    browser = request.COOKIES.get(COOKIE) or token_urlsafe(24)
    place = (page or origin.page).partition("?")[0]
    kept = Unsent(place, request.path, why, fields, is_refused)
    key = _key(origin.person_id)
    try:
        if cast("int", sync_redis().hlen(key)) >= MOST_PAGES:
            sync_redis().delete(key)
        pipeline = sync_redis().pipeline()
        pipeline.hset(key, _place(browser, kept.page), json.dumps(asdict(kept)))
        pipeline.expire(key, SECONDS)
        pipeline.execute()
    except RedisError:
        return False
    response.set_cookie(
        COOKIE,
        browser,
        max_age=SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return True


def turn_away(request: HttpRequest, error: DomainError, *, to: str) -> HttpResponse:
    """Redirect to a page that says why nothing was done and shows what was written, to be copied.

    `to` is an address or the name of a view.
    """
    answer = redirect(error.next_url or to)
    has_text = request.method == "POST" and bool(list_typed(read_fields(request)))
    page = answer.headers["Location"]
    if not (
        has_text and keep_unsent(request, answer, why=error.message, page=page, is_refused=True)
    ):
        messages.warning(request, error.message)
    return answer


def find_unsent(request: HttpRequest) -> Unsent | None:
    """What the person sent from the requested page, if it was not accepted."""
    browser = request.COOKIES.get(COOKIE)
    if not browser or request.method != "GET" or not request.user.is_authenticated:
        return None
    try:
        place = _place(browser, request.path)
        found = cast("str | None", sync_redis().hget(_key(request.user.pk), place))
    except RedisError:
        return None
    return Unsent(**json.loads(found)) if found else None


def forget_unsent(request: HttpRequest, *, person_id: int, page: str | None = None) -> None:
    """Erase what was kept in this browser for a page, or all of it without `page`."""
    browser = request.COOKIES.get(COOKIE)
    if not browser:
        return
    key = _key(person_id)
    try:
        if page is not None:
            places = [_place(browser, page.partition("?")[0])]
        else:
            kept = cast("list[str]", sync_redis().hkeys(key))
            places = [place for place in kept if place.startswith(_place(browser, ""))]
        if places:
            sync_redis().hdel(key, *places)
    except RedisError:
        return


def list_typed(fields: Iterable[tuple[str, str]]) -> list[Typed]:
    """The fields that a person typed or chose; a group of boxes is one text."""
    texts: dict[str, str] = {}
    for name, text in fields:
        if text and name.rpartition("-")[2] not in NOT_TYPED:
            texts[name] = f"{texts[name]}, {text}" if name in texts else text
    return [Typed(_label(name), text) for name, text in texts.items()]


def read_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a form; none if secrets may be among them."""
    if not is_own_page(request):
        return []
    return [
        (name, str(text))
        for name, texts in request.POST.lists()
        if name not in NEVER_KEPT
        for text in texts
    ]


def is_own_page(request: HttpRequest) -> bool:
    """Whether the request is for a page of this site, and not for one of django-allauth's."""
    try:
        # Only django-allauth's pages are in no namespace.
        return bool(resolve(request.path_info).namespaces)
    except Resolver404:
        return False


def _label(name: str) -> str:
    return name.rpartition("-")[2].replace("_", " ").capitalize()


def _key(person_id: int) -> str:
    return f"unsent:{person_id}"


def _place(browser: str, page: str) -> str:
    return f"{sha256(browser.encode()).hexdigest()} {page}"
