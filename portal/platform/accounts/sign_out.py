"""Signing out leaves nothing in a browser that the person wrote."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.platform.core.base_middleware import Middleware
from portal.platform.core.unsent import COOKIE, forget_unsent


class ForgetAtSignOutMiddleware(Middleware):
    """Erases what was kept for the person in this browser, and tells the browser to do the same.

    When a session expires, nothing is erased: its owner returns to their text.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person_id = request.user.pk if request.method == "POST" else None
        response = self.get_response(request)
        if person_id is not None and not request.user.is_authenticated:
            forget_unsent(request, person_id=person_id)
            response.delete_cookie(COOKIE, samesite="Lax")
            response["Clear-Site-Data"] = '"storage"'
        return response
