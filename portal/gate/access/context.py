"""What every page shows about the person who reads it."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from portal.gate.access.domain.masthead import Masthead, read_masthead
from portal.platform.accounts.models import User


def masthead(request: HttpRequest) -> dict[str, object]:
    """`masthead`, read once per request, and only by pages that show it."""
    return {"masthead": SimpleLazyObject(lambda: _read(request))}


def _read(request: HttpRequest) -> Masthead:
    user = request.user
    if not isinstance(user, User):
        return Masthead(unread_notices=0, reconsent=None)
    return read_masthead(user, at=timezone.now())
