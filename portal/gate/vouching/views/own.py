"""An applicant's referee and official: naming them, and following their requests."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.gate.access.enums import OPEN_STATES
from portal.gate.access.models import Application
from portal.gate.vouching.domain.applicant_view import describe_vouches, needs_referee
from portal.gate.vouching.domain.requests import (
    current_request,
    name_voucher,
    pk_of,
    resend_link,
)
from portal.gate.vouching.enums import VouchKind
from portal.gate.vouching.forms import NameForm
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.page_forms import refusals_in
from portal.platform.core.personal import personal


@require_safe
@personal
def show_own(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Both kinds, each with its state and its form."""
    return _render(request)


@require_POST
@personal
def name(request: AuthenticatedHttpRequest, kind: str) -> HttpResponse:
    """Name somebody, in place of the person named before."""
    named = _read_kind(kind)
    application = _find(request)
    if application is None:
        return redirect("vouching:own")
    form = NameForm(request.POST, kind=named, saved=pk_of(current_request(application, named)))
    if form.is_valid():
        with refusals_in(form):
            voucher = name_voucher(application, by=request.user, kind=named, **form.cleaned_data)
            when = "has been asked" if voucher.sent_at else "will be asked when you submit"
            messages.success(request, f"{voucher.name} {when}.")
            return redirect("vouching:own")
    return _render(request, form, named, status=422)


@require_POST
@personal
def resend(request: AuthenticatedHttpRequest, kind: str) -> HttpResponse:
    """Send the link again."""
    named = _read_kind(kind)
    application = _find(request)
    if application is not None:
        try:
            voucher = resend_link(application, by=request.user, kind=named)
        except DomainError as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, f"A new link is on its way to {voucher.email}.")
    return redirect("vouching:own")


def _render(
    request: AuthenticatedHttpRequest,
    form: NameForm | None = None,
    kind: VouchKind | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    application = _find(request)
    if application is None:
        return render(request, "gate/vouching/own.html", {"application": None})
    told = describe_vouches(application, at=timezone.now())
    context = {
        "application": application,
        "vouches": [
            (
                vouch,
                form
                if form is not None and vouch.kind == kind
                else NameForm(kind=vouch.kind, saved=pk_of(vouch.request)),
            )
            for vouch in told
        ],
        "needs_referee": needs_referee(application),
    }
    return render(request, "gate/vouching/own.html", context, status=status)


def _find(request: AuthenticatedHttpRequest) -> Application | None:
    """The application that is open as far as its applicant has been notified."""
    newest = Application.objects.newest_of(request.user)
    if newest is None or newest.visible_state(at=timezone.now()) not in OPEN_STATES:
        return None
    return newest


def _read_kind(kind: str) -> VouchKind:
    if kind not in VouchKind.values:
        raise Http404
    return VouchKind(kind)
