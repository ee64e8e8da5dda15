"""The page behind a single-use link: for somebody who has no account and needs none."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.gate.access.domain.workflow.separation import domain_of
from portal.gate.vouching.domain.answers import Link, answer_request, read_link
from portal.gate.vouching.domain.domains import may_authorise, withdraw_by_official
from portal.gate.vouching.domain.erasure import erase_vouchers
from portal.gate.vouching.enums import Answer, DomainState, LinkStanding, VouchKind
from portal.gate.vouching.forms import AnswerForm
from portal.gate.vouching.models import VouchRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.page_forms import render_form
from portal.platform.core.rate_limit import pace_links

STATUSES = {LinkStanding.WRONG: 404, LinkStanding.OPEN: 200, LinkStanding.USED: 200}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pace_links("vouch")
def answer(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Show the question and take the answer; looking does not use up the link."""
    link = read_link(pk, token, at=timezone.now())
    if link.request is None or link.standing != LinkStanding.OPEN:
        return _explain(request, link, token)
    form = _make_form(request, link.request)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            answer_request(
                link.request,
                answer=Answer(data["answer"]),
                text=data["text"],
                authorises_domain=data.get("domain", False),
            )
        except DomainError as error:
            if error.field not in form.fields:
                return _explain(request, read_link(pk, token, at=timezone.now()), token)
            form.add_error(error.field, error.message)
        else:
            return redirect("vouching:answer", pk, token)
    context = {"vouch": link.request, "application": link.request.application, "form": form}
    context["models_wanted"] = link.request.application.models_wanted.all()
    return render_form(request, "gate/vouching/answer.html", context)


@require_POST
@never_cache
@pace_links("vouch")
def withdraw(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Take back a domain's authorisation."""
    return _act(request, pk, token, withdraws=True)


@require_POST
@never_cache
@pace_links("vouch")
def erase(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Erase the voucher's name, address and words."""
    return _act(request, pk, token, withdraws=False)


def _act(request: HttpRequest, pk: int, token: str, *, withdraws: bool) -> HttpResponse:
    link = read_link(pk, token, at=timezone.now())
    if link.request is None:
        return _explain(request, link, token)
    if not withdraws:
        erase_vouchers([link.request], actor=None)
        return render(request, "gate/vouching/erased.html")
    try:
        withdraw_by_official(link.request)
    except DomainError as error:
        return _explain(request, link, token, refusal=error.message)
    return redirect("vouching:answer", pk, token)


def _make_form(request: HttpRequest, vouch: VouchRequest) -> AnswerForm:
    offers_domain = may_authorise(vouch, at=timezone.now())
    return AnswerForm(
        request.POST if request.method == "POST" else None,
        kind=VouchKind(vouch.kind),
        applicant=vouch.application.applicant_name,
        domain=domain_of(vouch.email) if offers_domain else "",
    )


def _explain(request: HttpRequest, link: Link, token: str, *, refusal: str = "") -> HttpResponse:
    domain = link.request.domains.first() if link.request else None
    now = timezone.now()
    context = {
        "standing": str(link.standing),
        "vouch": link.request,
        "token": token,
        "domain": domain,
        "can_withdraw": domain is not None
        and (domain.state == DomainState.PROPOSED or domain.is_in_force(at=now)),
        "refusal": refusal,
    }
    status = STATUSES.get(link.standing, 410)
    return render(request, "gate/vouching/link.html", context, status=status)
