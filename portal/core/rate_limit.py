"""Counting what comes from one place, so that links cannot be guessed and forms not flooded."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from redis import RedisError

from portal.core.http import client_ip
from portal.core.redis import sync_redis
from portal.core.views import too_many_requests

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
MOST_LOOKS: Final = 60
LOOK_SECONDS: Final = 600


def pace_links(action: str) -> Callable[[View[P]], View[P]]:
    """Answer 429 to an address that looks at more links in ten minutes, right or wrong."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def paced(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if is_too_fast(request, action=action, most=MOST_LOOKS, seconds=LOOK_SECONDS):
                return too_many_requests(request)
            return view(request, *args, **kwargs)

        return cast("View[P]", paced)

    return decorate


def is_too_fast(request: HttpRequest, *, action: str, most: int, seconds: int) -> bool:
    """Count one more `action` of the client's address; True above `most` within `seconds`.

    The count begins with the first and is forgotten after `seconds`. Without Valkey nobody is
    held up: the tokens themselves cannot be guessed.
    """
    key = f"pace:{action}:{client_ip(request) or 'unknown'}"
    try:
        counter = sync_redis().pipeline()
        counter.set(key, 0, nx=True, ex=seconds)
        counter.incr(key)
        _, count = counter.execute()
    except RedisError:
        return False
    return int(count) > most
