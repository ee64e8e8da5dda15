"""The way back to a form that was sent after its session had ended."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from portal.platform.core.base_middleware import Middleware
from portal.platform.core.form_origin import read_origin
from portal.platform.core.http import wants_json
from portal.platform.core.unsent import COOKIE, SIGNED_OUT, forget_unsent, is_own_page, keep_unsent
from portal.platform.core.way_back import find_way_back


class ReturnToFormMiddleware(Middleware):
    """Leads through the sign-in page back to the form and its text.

    A person whose POST is redirected to the sign-in page returns to the page that shows the
    form, never to an address that accepts only POST.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method != "POST":
            return response
        if _is_sent_to_sign_in(request, response):
            return _lead_back(request, response)
        if request.COOKIES.get(COOKIE):
            _forget_what_was_taken(request, response)
        return response


def _is_sent_to_sign_in(request: HttpRequest, response: HttpResponse) -> bool:
    target = urlsplit(response.headers.get("Location", "")).path
    doors = (resolve_url(settings.LOGIN_URL), resolve_url("admin:login"))
    is_sent = response.status_code == 302 and target in doors
    return is_sent and not request.user.is_authenticated


def _lead_back(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if not is_own_page(request):
        # django-allauth's pages accept both methods.
        return response
    origin = read_origin(request)
    page = origin.page if origin else find_way_back(request.path)
    answer = redirect_to_login(page)
    if not wants_json(request):
        keep_unsent(request, answer, why=SIGNED_OUT)
    return answer


def _forget_what_was_taken(request: HttpRequest, response: HttpResponse) -> None:
    origin = read_origin(request)
    is_kept_anew = COOKIE in response.cookies
    if origin is not None and response.status_code < 400 and not is_kept_anew:
        forget_unsent(request, person_id=origin.person_id, page=origin.page)
