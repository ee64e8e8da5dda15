"""Making, rotating and revoking a person's keys."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.access import describe_key_access
from portal.gate.keys.domain.lifecycle import IssuedKey, issue_key, revoke_key, rotate_key
from portal.gate.keys.domain.listing import KeyRow, describe_key
from portal.gate.keys.forms import NewKeyForm, RotateForm
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.page_forms import refusals_in, render_form
from portal.platform.core.personal import personal

METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(METHODS)
@personal
def create(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Ask what the key is for; show the new key once."""
    access = describe_key_access(request.user, at=timezone.now())
    if not (access.is_open or request.user.is_reviewer):
        messages.info(request, "A key gives the access that you have, and you have none yet.")
        return redirect("keys:list")
    form = NewKeyForm(request.POST or None, user=request.user, access=access)
    if form.is_valid():
        lifetime = form.cleaned_data["lifetime"]
        with refusals_in(form):
            issued = issue_key(
                request.user,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                models=list(form.cleaned_data["models"]),
                expires_at=timezone.now() + lifetime if lifetime else None,
            )
            return _show_once(request, issued)
    return render_form(request, "gate/keys/new.html", {"form": form})


@require_http_methods(METHODS)
@personal
def rotate(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Ask how long the old key continues to work; show the new key once."""
    row = _own_key(request, pk)
    if not row.can_be_rotated:
        messages.info(request, f"{row.key.name} no longer works or has already been rotated.")
        return redirect("keys:list")
    form = RotateForm(request.POST or None)
    if form.is_valid():
        try:
            issued = rotate_key(row.key, overlap=form.cleaned_data["overlap"])
        except LostRace as error:
            messages.warning(request, error.message)
            return redirect("keys:list")
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            return _show_once(request, issued, replaces=_own_key(request, pk))
    return render_form(request, "gate/keys/rotate.html", {"form": form, "row": row})


@require_http_methods(METHODS)
@personal
def revoke(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then revoke the key."""
    row = _own_key(request, pk)
    if request.method != "POST":
        if not row.works:
            messages.info(request, f"{row.key.name} no longer works.")
            return redirect("keys:list")
        return render(request, "gate/keys/revoke.html", {"row": row})
    try:
        revoke_key(row.key)
    except LostRace as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{row.key.name} is revoked and no longer works.")
    return redirect("keys:list")


def _own_key(request: AuthenticatedHttpRequest, pk: int) -> KeyRow:
    key = get_object_or_404(ApiKey.objects.select_related("user"), user=request.user, pk=pk)
    return describe_key(key, at=timezone.now())


def _show_once(
    request: AuthenticatedHttpRequest, issued: IssuedKey, replaces: KeyRow | None = None
) -> HttpResponse:
    """The response to the form itself: the text is kept nowhere else."""
    context = {
        "issued": issued,
        "replaces": replaces,
        "base_url": f"{settings.SITE_URL}/v1",
        "hub_url": f"{settings.SITE_URL}/hub",
        "only_weights": [KeyScope.WEIGHTS],
    }
    return render(request, "gate/keys/created.html", context, status=HTTPStatus.CREATED)
