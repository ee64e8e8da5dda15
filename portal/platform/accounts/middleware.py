"""Checks on the person before a page is built."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from redis import RedisError
from requests import RequestException

from portal.platform.accounts.domain.identity import lacks_required_mfa
from portal.platform.core.base_middleware import Middleware
from portal.platform.core.batching import Batching
from portal.platform.core.http import refuse_as_json, wants_json
from portal.platform.core.redis import sync_redis
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.unsent import keep_unsent

log = structlog.get_logger(__name__)

ACTIVITY_SECONDS = 60
"""The precision of "last seen"; a new address or browser is recorded immediately."""
AGENT_LENGTH: Final = UserSession.user_agent.field.max_length
STAFF_PATHS = ("/console/", "/admin/")


class SessionActivityMiddleware(Middleware):
    """Records where a session is used from, at most once a minute while that stays the same.

    allauth's own middleware reads and writes a row for every request, which costs more than
    accepting a run.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key and _is_news(request) and request.user.is_authenticated:
            _record_use(request)
        return self.get_response(request)


def _record_use(request: HttpRequest) -> None:
    seen_again = UserSession.objects.filter(
        session_key=request.session.session_key,
        user=request.user,
        ip=get_adapter().get_client_ip(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:AGENT_LENGTH],
    )
    if not seen_again.update(last_seen_at=timezone.now()):
        UserSession.objects.create_from_request(request)


def _is_news(request: HttpRequest) -> bool:
    client = get_adapter().get_client_ip(request) + request.META.get("HTTP_USER_AGENT", "")
    mark = f"{request.session.session_key}:{sha256(client.encode()).hexdigest()}"
    return _TOGETHER.ask(f"seen:{mark}")


def _leave_marks(keys: Sequence[str]) -> list[bool]:
    """Whether each mark is new; True for all of them while Valkey does not respond."""
    pipeline = sync_redis().pipeline(transaction=False)
    for key in keys:
        pipeline.set(key, "1", nx=True, ex=ACTIVITY_SECONDS)
    try:
        return [bool(answer) for answer in pipeline.execute()]
    except RedisError:
        return [True] * len(keys)


_TOGETHER: Final = Batching(_leave_marks, at_most=64)


class StaffMFAMiddleware(Middleware):
    """Redirects staff without a second factor to the page where they add one (not in the demo)."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self._is_held(request):
            return self.get_response(request)
        message = "Your role needs a second factor. Add one here, then continue."
        if wants_json(request):
            return refuse_as_json(
                RefusalCode.MFA_REQUIRED,
                message,
                label="Add a second factor",
                url=reverse("mfa_index"),
            )
        messages.warning(request, message)
        answer = redirect("mfa_index")
        keep_unsent(request, answer, why="Your role needed a second factor first.")
        return answer

    def _is_held(self, request: HttpRequest) -> bool:
        return (
            request.path_info.startswith(STAFF_PATHS)
            and request.user.is_authenticated
            and lacks_required_mfa(request.user)
        )


class JsonSignInMiddleware(Middleware):
    """Returns 401 to JSON clients where a browser is redirected to the sign-in page."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not (response.status_code == 302 and wants_json(request)):
            return response
        login_url = resolve_url("account_login")
        if request.user.is_authenticated or urlsplit(response["Location"]).path != login_url:
            return response
        return refuse_as_json(
            RefusalCode.NOT_SIGNED_IN,
            "Sign in to do this.",
            label="Sign in",
            url=response["Location"],
            status=HTTPStatus.UNAUTHORIZED,
        )


class SignInElsewhereMiddleware(Middleware):
    """Shows an error page when a site that people sign in with does not respond as expected."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RequestException):
            return None
        log.warning("sign_in_elsewhere_failed", error=str(exception))
        return render(request, "socialaccount/authentication_error.html", status=502)
