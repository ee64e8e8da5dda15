"""Reading a licence, signing it, and keeping what was signed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.gate.licensing.domain.agreement.issue import issue_agreement, may_read_agreement
from portal.gate.licensing.domain.reading import Reading, read_licence
from portal.gate.licensing.domain.signing import require_in_force, sign_licence
from portal.gate.licensing.domain.versions import text_sha256
from portal.gate.licensing.forms import SignForm, move_to_version
from portal.gate.licensing.models import Licence, LicenceVersion, Signature
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.http import client_ip
from portal.platform.core.rate_limit import pace_downloads
from portal.platform.core.refusals import RefusalCode


@require_safe
def read(request: HttpRequest, slug: str, number: int | None = None) -> HttpResponse:
    """The version in force, or any by its number, for everybody."""
    reading = _get_reading(request, slug, number=number)
    return render(request, "gate/licensing/licence.html", {"reading": reading})


@require_safe
def download(_request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The exact bytes of a version, as its SHA-256 was computed."""
    shown = get_object_or_404(LicenceVersion, licence__slug=slug, number=number)
    return _answer_text(shown.text, f"{slug}-v{number}.md")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """Show the version in force with the form under it; sign what the form names."""
    reading = _get_reading(request, slug)
    if request.method == "POST":
        return _sign(request, reading)
    if reading.signature is not None:
        messages.info(
            request,
            f"You signed this version on {reading.signature.signed_at:%-d %B %Y}. "
            "Nothing more is needed.",
        )
        return redirect("licensing:signature", pk=reading.signature.pk)
    form = SignForm(initial={"version": reading.version.pk}, user=request.user)
    return _show_form(request, reading, form)


def _sign(request: AuthenticatedHttpRequest, reading: Reading) -> HttpResponse:
    form = SignForm(request.POST, user=request.user)
    is_complete = form.is_valid()
    wanted = get_object_or_404(
        LicenceVersion, licence=reading.licence, pk=form.cleaned_data.get("version")
    )
    try:
        if not is_complete:
            require_in_force(wanted, reading.licence)
            return _show_form(request, reading, form, status=422)
        signature = sign_licence(
            request.user, version=wanted, ip=client_ip(request), **form.answers()
        )
    except DomainError as error:
        return _explain_refusal(request, reading, form, error)
    messages.success(request, "Signed. You can read and print this copy at any time.")
    return redirect("licensing:signature", pk=signature.pk)


def _explain_refusal(
    request: AuthenticatedHttpRequest, reading: Reading, form: SignForm, error: DomainError
) -> HttpResponse:
    if error.code == RefusalCode.ALREADY_SIGNED and error.next_url:
        messages.info(request, error.message)
        return redirect(error.next_url)
    if error.code == RefusalCode.LICENCE_VERSION_SUPERSEDED:
        # What was typed stays, beside the text that is to be signed now.
        moved = SignForm(move_to_version(request.POST, reading.version), user=request.user)
        return _show_form(request, reading, moved, status=409, superseded=error.message)
    form.add_error(error.field, error.message)
    return _show_form(request, reading, form, status=422, next_url=error.next_url)


@login_required
@require_safe
def signatures(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Everything that the person has signed."""
    rows = (
        Signature.objects.filter(user=request.user)
        .select_related("version__licence")
        .defer("text", "version__text")
    )
    return render(request, "gate/licensing/signatures.html", {"signatures": rows})


@login_required
@require_safe
def signature(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """The user's own signed copy, from the bytes that were frozen when it was signed."""
    signed = _get_own_signature(request, pk)
    return render(
        request,
        "gate/licensing/signature.html",
        {
            "signature": signed,
            "is_intact": text_sha256(signed.text) == signed.sha256,
            "issued": signed.issued.last(),
        },
    )


@login_required
@require_safe
def signature_text(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """The signed bytes themselves."""
    signed = _get_own_signature(request, pk)
    name = f"{signed.version.licence.slug}-v{signed.version.number}-signed.md"
    return _answer_text(signed.text, name)


@login_required
@require_safe
@never_cache
@pace_downloads("agreement")
def signature_pdf(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """The signed agreement as a PDF, for its signer, reviewers and auditors."""
    signed = get_object_or_404(Signature.objects.select_related("version__licence"), pk=pk)
    if not may_read_agreement(request.user, signed):
        raise Http404
    agreement = issue_agreement(signed, to=request.user)
    return HttpResponse(
        agreement.content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{agreement.filename}"'},
    )


def _get_reading(request: HttpRequest, slug: str, *, number: int | None = None) -> Reading:
    licence = get_object_or_404(Licence, slug=slug)
    reading = read_licence(licence, reader=request.user, at=timezone.now(), number=number)
    if reading is None:
        raise Http404
    return reading


def _get_own_signature(request: AuthenticatedHttpRequest, pk: int) -> Signature:
    return get_object_or_404(
        Signature.objects.select_related("version__licence"), pk=pk, user=request.user
    )


def _show_form(
    request: AuthenticatedHttpRequest,
    reading: Reading,
    form: SignForm,
    *,
    status: int = 200,
    superseded: str = "",
    next_url: str | None = None,
) -> HttpResponse:
    context = {"reading": reading, "form": form, "superseded": superseded, "next_url": next_url}
    return render(request, "gate/licensing/sign.html", context, status=status)


def _answer_text(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text.encode(),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )
