"""The page on which a person lets a program sign in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.gate.keys.domain.device import (
    KEY_LIFETIME,
    approve_login,
    deny_login,
    find_login,
    name_key,
    require_may_allow,
    write_code,
)
from portal.gate.keys.forms import DeviceCodeForm
from portal.gate.keys.models import DeviceLogin
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.page_forms import refusals_in, render_form
from portal.platform.core.personal import personal
from portal.platform.core.rate_limit import pace_codes, require_pace

WRONG_CODES = "user_code"


@require_http_methods(["GET", "HEAD", "POST"])
@personal
@pace_codes("device")
def answer_login(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Ask for the code, unless the link has it; show what it would make, and take the answer."""
    sent = request.POST if request.method == "POST" else request.GET
    form = DeviceCodeForm(sent if "user_code" in sent else None)
    if form.is_valid():
        with refusals_in(form):
            return _go_on(request, form, _find(request, form.cleaned_data["user_code"]))
    return render_form(request, "gate/keys/device.html", {"form": form})


def _find(request: AuthenticatedHttpRequest, user_code: str) -> DeviceLogin:
    try:
        return find_login(user_code, at=timezone.now())
    except DomainError:
        require_pace(request, WRONG_CODES)
        raise


def _go_on(
    request: AuthenticatedHttpRequest, form: DeviceCodeForm, login: DeviceLogin
) -> HttpResponse:
    now = timezone.now()
    match request.POST.get("answer"):
        case "allow":
            approve_login(login, by=request.user, at=now)
            messages.success(
                request, "Allowed. Go back to your terminal; the new key appears here in seconds."
            )
            return redirect("keys:list")
        case "deny":
            deny_login(login, by=request.user, at=now)
            messages.success(request, "Denied. The program gets no key.")
            return redirect("keys:list")
    refusal = None
    try:
        require_may_allow(request.user, at=now)
    except DomainError as error:
        refusal = error
    context = {
        "form": form,
        "login": login,
        "code": write_code(login),
        "key_name": name_key(login),
        "ends_at": now + KEY_LIFETIME,
        "refusal": refusal,
    }
    return render(request, "gate/keys/device_answer.html", context)
