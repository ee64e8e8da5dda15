"""Rate limits, so that nobody can guess links or use up a core.

Sign-in has django-allauth's own limits, which need Valkey. Without Valkey, these admit everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from redis import RedisError

from portal.platform.core.errors import DomainError
from portal.platform.core.http import client_ip, network_of
from portal.platform.core.redis import sync_redis
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.views import too_many_requests

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponse]
MOST: Final = 60
MOST_CODES: Final = 20
SECONDS: Final = 600


def pace_links(action: str) -> Callable[[View[R, P]], View[R, P]]:
    """Return 429 to an address that opens more than MOST links in SECONDS, right or wrong."""
    return _pace(action, whose=_address)


def pace_downloads(action: str) -> Callable[[View[R, P]], View[R, P]]:
    """Return 429 to a person who requests more than MOST costly downloads in SECONDS."""
    return _pace(action, whose=_person)


def pace_codes(action: str) -> Callable[[View[R, P]], View[R, P]]:
    """Return 429 to a person who opens a page for codes more than MOST_CODES times in SECONDS."""
    return _pace(action, whose=_person, most=MOST_CODES)


def require_pace(request: HttpRequest, action: str) -> None:
    """Count one more from the request's address; `too_many_logins` above MOST in SECONDS."""
    if _is_too_fast(f"pace:{action}:{_address(request)}", most=MOST):
        raise DomainError(
            RefusalCode.TOO_MANY_LOGINS,
            "Too many logins were tried from your network address. Wait ten minutes, or make a "
            "key on the site.",
        )


def _pace(
    action: str, *, whose: Callable[[HttpRequest], str], most: int = 0
) -> Callable[[View[R, P]], View[R, P]]:
    def decorate(view: View[R, P]) -> View[R, P]:
        @wraps(view)
        def paced(request: R, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if _is_too_fast(f"pace:{action}:{whose(request)}", most=most or MOST):
                return too_many_requests(request)
            return view(request, *args, **kwargs)

        return cast("View[R, P]", paced)

    return decorate


def _address(request: HttpRequest) -> str:
    return network_of(client_ip(request) or "unknown")


def _person(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def _is_too_fast(key: str, *, most: int) -> bool:
    """Count one more; True above `most` within SECONDS of the first.

    Without Valkey nobody is stopped: the tokens of links cannot be guessed anyway.
    """
    try:
        counter = sync_redis().pipeline()
        counter.set(key, 0, nx=True, ex=SECONDS)
        counter.incr(key)
        _, count = counter.execute()
    except RedisError:
        return False
    return int(count) > most
