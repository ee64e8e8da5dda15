"""The page of a person's keys."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.gate.keys.domain.access import describe_key_access
from portal.gate.keys.domain.listing import list_keys
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.personal import personal


@require_safe
@personal
def show_list(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Every key of the person, and the link to a new one or to access."""
    now = timezone.now()
    rows = list_keys(request.user, at=now)
    context = {
        "working": [row for row in rows if row.works],
        "ended": [row for row in rows if not row.works],
        "access": describe_key_access(request.user, at=now),
    }
    return render(request, "gate/keys/list.html", context)
