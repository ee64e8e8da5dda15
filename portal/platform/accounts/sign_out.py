"""What is left behind in a browser when somebody signs out of it: nothing they wrote."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.platform.core.unsent import COOKIE, forget_unsent


class ForgetAtSignOutMiddleware:
    """Erases what was kept for the person in this browser, and has the browser do the same.

    A session that merely ends erases nothing: its owner comes back to their text.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person_id = request.user.pk if request.method == "POST" else None
        response = self.get_response(request)
        if person_id is not None and not request.user.is_authenticated:
            forget_unsent(request, person_id=person_id)
            response.delete_cookie(COOKIE, samesite="Lax")
            response["Clear-Site-Data"] = '"storage"'
        return response
