"""What every page shows about notices."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.notices.domain.reading import count_unread


def unread(request: HttpRequest) -> dict[str, object]:
    """`unread_notices`, counted only by pages that show it."""
    return {"unread_notices": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    user = request.user
    return count_unread(user.pk) if user.is_authenticated and user.pk is not None else 0
