"""Error pages that say what happened and where to go."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from portal.core.context import chosen_theme
from portal.core.errors import DomainError, RoleRequired
from portal.core.http import wants_json

SENTENCES = {
    400: "The request could not be understood, so nothing was changed.",
    403: "This page is not open to your account.",
    404: "There is no such page, or it is not yours to see.",
    429: "Too many tries in a short time. Wait a few minutes, then try again.",
    500: "Something broke on our side. It has been logged; try again in a moment.",
}
FORM_EXPIRED = "This form is too old to be sent. Reload the page and send it again."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(request, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say whom the page is for, where roles decide that."""
    roles = exception.roles if isinstance(exception, RoleRequired) else ""
    if roles and wants_json(request):
        return _refuse("http_403", f"This page is for {roles}.", status=403)
    return _answer(request, status=403, roles=roles)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(request, status=404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """What django-allauth answers where a rate limit is reached."""
    response = _answer(request, status=429)
    response["Retry-After"] = "300"
    return response


def refuse_body(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """For a request whose body did not come in full."""
    status = 408 if refusal.code == "request_timeout" else 413
    if wants_json(request):
        return _refuse(refusal.code, refusal.message, status=status)
    context = {"sentence": refusal.message}
    return render(request, f"errors/{status}.html", context, status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """A page that needs neither the database nor a session, which may be what broke."""
    if wants_json(request):
        return _refuse("http_500", SENTENCES[500], status=500)
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    context = {"theme": chosen_theme(request), "request_id": request_id}
    return HttpResponse(render_to_string("errors/500.html", context), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """Explain an expired form; what was typed is still in the browser's history."""
    if wants_json(request):
        return _refuse("form_expired", FORM_EXPIRED, status=403)
    return render(request, "errors/csrf.html", status=403)


def _answer(request: HttpRequest, *, status: int, **context: str) -> HttpResponse:
    if wants_json(request):
        return _refuse(f"http_{status}", SENTENCES[status], status=status)
    return render(request, f"errors/{status}.html", context, status=status)


def _refuse(code: str, message: str, *, status: int) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
