"""Error pages that say what happened and where to go."""

from __future__ import annotations

import structlog
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from portal.platform.core.context import chosen_theme
from portal.platform.core.errors import DomainError, RoleRequired
from portal.platform.core.form_origin import read_origin
from portal.platform.core.http import wants_json
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.unsent import (
    SIGNED_IN_AGAIN,
    SIGNED_OUT,
    keep_unsent,
    list_typed,
    read_fields,
)
from portal.platform.core.way_back import find_way_back

SENTENCES = {
    400: "The request could not be understood. Nothing was changed.",
    403: "This page is not open to your account.",
    404: "This page does not exist, or you may not see it.",
    429: "Too many tries in a short time. Wait a few minutes, then try again.",
    500: "Something broke on our side. It has been logged; try again in a moment.",
}
OF_THE_FORM = "CSRF"
"""The prefix of Django's reasons that concern the form; other reasons concern another site."""
FORM_EXPIRED = "This form is too old to be sent. Reload the page and send it again."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(request, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that says which roles it needs, if roles decide."""
    roles = exception.roles if isinstance(exception, RoleRequired) else ""
    if roles and wants_json(request):
        return _refuse("http_403", f"This page is for {roles}.", status=403)
    return _answer(request, status=403, roles=roles)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(request, status=404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """The response when a rate limit is reached; django-allauth uses it too."""
    response = _answer(request, status=429)
    response["Retry-After"] = "300"
    return response


def refuse_body(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """The response to a request whose body did not arrive in full."""
    status = 408 if refusal.code == RefusalCode.REQUEST_TIMEOUT else 413
    if wants_json(request):
        return _refuse(refusal.code, refusal.message, status=status)
    context = {"sentence": refusal.message}
    return render(request, f"errors/{status}.html", context, status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """A page that needs neither the database nor a session, either of which may have broken."""
    if wants_json(request):
        return _refuse("http_500", SENTENCES[500], status=500)
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    context = {"theme": chosen_theme(request), "request_id": request_id}
    return HttpResponse(render_to_string("errors/500.html", context), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Keep what was sent for the owner of the form, and lead them back to it.

    A form of a person without an account is shown as it was sent, to be copied. Nothing that
    another site sent is kept or shown.
    """
    if wants_json(request):
        return _refuse("form_expired", FORM_EXPIRED, status=403)
    is_own = reason.startswith(OF_THE_FORM) and _is_from_here(request)
    origin = read_origin(request) if is_own else None
    if origin is None:
        context = {"typed": list_typed(read_fields(request)) if is_own else []}
        return render(request, "errors/csrf.html", context, status=403)
    answer: HttpResponse
    if not request.user.is_authenticated:
        answer, why = redirect_to_login(origin.page), SIGNED_OUT
    elif request.user.pk == origin.person_id:
        answer, why = HttpResponseRedirect(origin.page), SIGNED_IN_AGAIN
    else:
        answer = render(request, "errors/csrf.html", {"is_of_another": True}, status=403)
        why = SIGNED_OUT
    keep_unsent(request, answer, why=why)
    return answer


def method_not_allowed(request: HttpRequest, *, allow: str) -> HttpResponse:
    """The response to a method that the address does not accept; `allow` names those it does."""
    if wants_json(request):
        message = f"This address does not accept {request.method}. It accepts {allow}."
        answer: HttpResponse = _refuse("http_405", message, status=405)
    else:
        context = {"takes_pages": "GET" in allow, "way_back": find_way_back(request.path)}
        answer = render(request, "errors/405.html", context, status=405)
    answer["Allow"] = allow
    return answer


def _is_from_here(request: HttpRequest) -> bool:
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def _answer(request: HttpRequest, *, status: int, **context: str) -> HttpResponse:
    if wants_json(request):
        return _refuse(f"http_{status}", SENTENCES[status], status=status)
    return render(request, f"errors/{status}.html", context, status=status)


def _refuse(code: str, message: str, *, status: int) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
