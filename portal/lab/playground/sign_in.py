"""Sends people who are not signed in to the sign-in page, and scripts a JSON error."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.http import refuse_as_json, takes_events, wants_json
from portal.platform.core.refusals import RefusalCode

P = ParamSpec("P")


def sign_in_required(
    view: Callable[Concatenate[AuthenticatedHttpRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Redirect to the sign-in page; return 401 to a client that asked for JSON."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(cast("AuthenticatedHttpRequest", request), *args, **kwargs)
        return refuse_stranger(request)

    return wrapper


def refuse_stranger(request: HttpRequest) -> HttpResponse:
    """The response to a request without a signed-in user."""
    if not wants_json(request) and not takes_events(request):
        return redirect_to_login(request.get_full_path())
    return refuse_as_json(
        RefusalCode.NOT_SIGNED_IN,
        "You are signed out. Your text is still here.",
        label="Sign in",
        url=reverse("account_login"),
        status=HTTPStatus.UNAUTHORIZED,
    )
