"""Downloading everything about oneself, and requesting erasure."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.desk.privacy.domain.erasure import pseudonym
from portal.desk.privacy.domain.export import export_person
from portal.desk.privacy.domain.requests import (
    pending_request,
    request_erasure,
    require_erasable,
    take_back_erasure,
)
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.personal import personal
from portal.platform.core.rate_limit import pace_downloads


@require_POST
@personal
@pace_downloads("everything")
def download_everything(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A zip of JSON files; see `export_person`."""
    return HttpResponse(
        export_person(request.user),
        content_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="everything-about-me.zip"'},
    )


@require_http_methods(["GET", "POST"])
@personal
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]  # allauth
def erase(request: AuthenticatedHttpRequest) -> HttpResponse:
    """What is erased and what is kept. A POST, after reauthentication, requests the erasure."""
    if request.method == "POST":
        try:
            request_erasure(request.user)
        except DomainError as error:
            messages.warning(request, error.message)
        return redirect("privacy:erase")
    asked = pending_request(request.user)
    return render(
        request,
        "desk/privacy/erase.html",
        {
            "asked": asked,
            "refusal": _find_refusal(request),
            "days": settings.ERASURE_WAIT_DAYS,
            "pseudonym": pseudonym(request.user.pk),
        },
    )


@require_POST
@personal
def take_back(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Take back the request. This needs no password, since it destroys nothing."""
    try:
        take_back_erasure(request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "Your account will not be erased.")
    return redirect("privacy:erase")


def _find_refusal(request: AuthenticatedHttpRequest) -> DomainError | None:
    try:
        require_erasable(request.user, at=timezone.now())
    except DomainError as error:
        return error
    return None
