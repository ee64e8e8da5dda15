"""Public pages on which anybody may check a signed agreement.

A name or a fingerprint that is typed here never appears in a URL, where logs and histories
would keep it. The code does: it alone shows no name.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.gate.licensing.domain.agreement.verification import (
    read_fingerprint,
    verify_code,
    verify_fingerprint,
)
from portal.gate.licensing.verification_forms import AskForm, NameForm
from portal.platform.core.rate_limit import pace_links


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pace_links("verify")
def ask(request: HttpRequest) -> HttpResponse:
    """The form for a code or a fingerprint, and what is known about the latter."""
    form = AskForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _render(request, "ask", {"form": form}, status=422 if form.errors else 200)
    asked = form.cleaned_data["asked"]
    sha256 = read_fingerprint(asked)
    if sha256 is None:
        found = verify_code(asked, at=timezone.now())
        if found is None:
            return _render(request, "ask", {"form": form, "unknown": "code"}, status=404)
        return redirect("verification:signature", code=found.signature.code)
    fingerprint = verify_fingerprint(sha256)
    if fingerprint.issued is None and fingerprint.version is None:
        return _render(request, "ask", {"form": form, "unknown": "sha256"}, status=404)
    context: dict[str, object] = {"form": AskForm(), "fingerprint": fingerprint, "sha256": sha256}
    if fingerprint.issued is not None:
        context["verified"] = verify_code(fingerprint.issued.signature.code, at=timezone.now())
    return _render(request, "ask", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pace_links("verify")
def show_signature(request: HttpRequest, code: str) -> HttpResponse:
    """What is known about the signature with a code; a POST compares a name with the signer's."""
    verified = verify_code(code, at=timezone.now())
    if verified is None:
        return _render(request, "ask", {"form": AskForm(), "unknown": "code"}, status=404)
    form = NameForm(request.POST or None)
    context: dict[str, object] = {"verified": verified, "form": form}
    if request.method == "POST" and form.is_valid():
        context["is_same_name"] = verified.is_signed_by(form.cleaned_data["name"])
        context["has_answer"] = True
    return _render(request, "signature", context, status=422 if form.errors else 200)


def _render(
    request: HttpRequest, page: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    response = render(request, f"gate/licensing/verification/{page}.html", context, status=status)
    response["X-Robots-Tag"] = "noindex"
    return response
