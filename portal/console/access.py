"""Who may enter the console's pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from portal.accounts.http import AuthenticatedHttpRequest

P = ParamSpec("P")
View = Callable[Concatenate[AuthenticatedHttpRequest, P], HttpResponse]


def reviewer_required(view: View[P]) -> Callable[..., HttpResponse]:
    """Send visitors to sign-in; refuse (403) everybody who is not a reviewer."""

    @wraps(view)
    def guarded(
        request: AuthenticatedHttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if not request.user.is_reviewer:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)


def auditor_required(view: View[P]) -> Callable[..., HttpResponse]:
    """Send visitors to sign-in; refuse (403) everybody who is not an auditor."""

    @wraps(view)
    def guarded(
        request: AuthenticatedHttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if not request.user.is_auditor:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)


def reviewer_or_auditor_required(view: View[P]) -> Callable[..., HttpResponse]:
    """Send visitors to sign-in; refuse (403) everybody who is neither."""

    @wraps(view)
    def guarded(
        request: AuthenticatedHttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if not (request.user.is_reviewer or request.user.is_auditor):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)


def operator_required(view: View[P]) -> Callable[..., HttpResponse]:
    """Send visitors to sign-in; refuse (403) everybody who is not an operator."""

    @wraps(view)
    def guarded(
        request: AuthenticatedHttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if not request.user.is_operator:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)
