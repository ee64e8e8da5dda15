"""`hf auth login` by browser: the device flow of RFC 8628, without registered clients."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone

from portal.gate.keys.domain.device import (
    INTERVAL,
    KEY_LIFETIME,
    LIFETIME,
    begin_login,
    collect_key,
    write_code,
)
from portal.gate.keys.domain.lifecycle import IssuedKey
from portal.library.weights.hub.refusals import HubRefusal
from portal.library.weights.views.hub import hub_view
from portal.platform.core.errors import DomainError
from portal.platform.core.http import client_ip
from portal.platform.core.rate_limit import require_pace
from portal.platform.core.refusals import RefusalCode

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"


@hub_view("POST")
def begin_sign_in(request: HttpRequest) -> HttpResponse:
    """A code for the program, and one for the person."""
    require_pace(request, "device_login")
    begun = begin_login(address=client_ip(request), at=timezone.now())
    page, code = f"{settings.SITE_URL}{reverse('keys:device')}", write_code(begun.login)
    return JsonResponse(
        {
            "device_code": begun.device_code,
            "user_code": code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={code}",
            "expires_in": LIFETIME.seconds,
            "interval": INTERVAL.seconds,
        }
    )


@hub_view("POST")
def give_key(request: HttpRequest) -> HttpResponse:
    """The key that a person has allowed; until then, why there is none."""
    try:
        issued = _collect(request)
    except DomainError as error:
        if error.code == RefusalCode.INVALID_GRANT:
            require_pace(request, "device_code")
        return HubRefusal(
            {"error": error.code, "error_description": error.message},
            status=HTTPStatus.BAD_REQUEST,
        )
    return JsonResponse(
        {
            "access_token": issued.text,
            "token_type": "bearer",
            "expires_in": int(KEY_LIFETIME.total_seconds()),
            "scope": " ".join(issued.key.scopes),
        }
    )


def _collect(request: HttpRequest) -> IssuedKey:
    if request.POST.get("grant_type") != GRANT_TYPE:
        raise DomainError(
            RefusalCode.UNSUPPORTED_GRANT_TYPE,
            "A key cannot be renewed. Run hf auth login again.",
        )
    return collect_key(request.POST.get("device_code", ""), at=timezone.now())
