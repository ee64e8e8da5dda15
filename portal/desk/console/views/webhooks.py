"""Webhook endpoints of institutions: registration, and the log of deliveries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.desk.console.access import operator_required
from portal.desk.console.forms.webhooks import EndpointForm
from portal.gate.webhooks.domain.endpoints import (
    Registered,
    disable_endpoint,
    enable_endpoint,
    ping_endpoint,
    register_endpoint,
    rotate_secret,
)
from portal.gate.webhooks.domain.fan_out import repeat
from portal.gate.webhooks.domain.listing import find_deliveries, list_endpoints
from portal.gate.webhooks.enums import EventType
from portal.gate.webhooks.models import Delivery, Endpoint
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.page_forms import refusals_in, render_form

PAGE_SIZE = 50
COMMANDS: Mapping[str, tuple[Callable[..., object], str]] = {
    "ping": (ping_endpoint, "A test is being sent. Reload the page to see the result."),
    "disable": (disable_endpoint, "{name} is off and gets no more events."),
    "enable": (enable_endpoint, "{name} is on."),
}
"""What an operator does with an endpoint, and the message afterwards."""


@require_http_methods(["GET", "HEAD", "POST"])
@operator_required
def list_webhooks(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Every endpoint, and the form for a new one, whose secret is shown once in the response."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        with refusals_in(form):
            registered = register_endpoint(
                by=request.user,
                name=data["name"],
                url=data["url"],
                events=[EventType(value) for value in data["events"]],
                domain=data["domain"],
            )
            return _show_secret(request, registered)
    context = {"form": form, "endpoints": list_endpoints()}
    return render_form(request, "desk/console/webhooks/webhooks.html", context)


@require_safe
@operator_required
def show_webhook(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """One endpoint and the log of its deliveries."""
    endpoint = get_object_or_404(Endpoint.objects.select_related("created_by"), pk=pk)
    page = Paginator(find_deliveries(endpoint), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"endpoint": endpoint, "page": page, "now": timezone.now()}
    return render(request, "desk/console/webhooks/webhook.html", context)


@require_POST
@operator_required
def change_webhook(request: AuthenticatedHttpRequest, pk: int, command: str) -> HttpResponse:
    """Turn an endpoint on or off, send a test, or create a new secret."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if command == "rotate":
        return _show_secret(request, rotate_secret(endpoint, by=request.user))
    if command not in COMMANDS:
        raise Http404
    carry_out, done = COMMANDS[command]
    try:
        carry_out(endpoint, by=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, done.format(name=endpoint.name))
    return redirect("console:webhook", pk)


@require_POST
@operator_required
def repeat_delivery(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Send one event again, under the same id."""
    delivery = get_object_or_404(Delivery.objects.select_related("event"), pk=pk)
    repeat(delivery)
    messages.success(request, "The event is sent again, after the deliveries that wait.")
    return redirect("console:webhook", delivery.endpoint_id)


def _show_secret(request: AuthenticatedHttpRequest, registered: Registered) -> HttpResponse:
    """The response to the form itself; no other page contains the secret."""
    context = {"registered": registered}
    return render(
        request, "desk/console/webhooks/webhook_secret.html", context, status=HTTPStatus.CREATED
    )
