"""The letters to referees and officials. The link is inserted on sending, and not stored."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from portal.gate.vouching.domain.requests import ASK_KIND, LETTER_COMPOSER, token_of
from portal.gate.vouching.enums import DomainState, RequestState
from portal.gate.vouching.models import VouchRequest
from portal.platform.notices.domain.outbox import LINK_PLACE, Letter, register_composer
from portal.platform.notices.models import Notice

REMIND_KIND: Final = "vouching.remind"
DOMAIN_KIND: Final = "vouching.domain"
DOMAIN_ENDS_KIND: Final = "vouching.domain_ends"
SUBJECTS: Final = {
    ASK_KIND: "{applicant} names you as {role}",
    REMIND_KIND: "A reminder: {applicant} names you as {role}",
    DOMAIN_KIND: "{domain} is authorised for a year",
    DOMAIN_ENDS_KIND: "The authorisation of {domain} ends soon",
}


def compose_letter(notice: Notice) -> Letter | None:
    """Write a letter; None if its link no longer works or its reason is gone."""
    request = _request_of(notice)
    if request is None or request.erased_at or request.serial != notice.data["link"]:
        return None
    domain = request.domains.first()
    if notice.kind in (ASK_KIND, REMIND_KIND):
        if request.state != RequestState.ASKED:
            return None
    elif domain is None or domain.state != DomainState.CONFIRMED:
        return None
    application = request.application
    text = render_to_string(
        f"emails/{notice.kind.replace('.', '/')}.txt",
        {
            "request": request,
            "application": application,
            "applicant": application.applicant_name,
            "models": [model.name for model in application.models_wanted.all()],
            "domain": domain,
            "link": LINK_PLACE,
            "site_url": settings.SITE_URL,
        },
    )
    subject = SUBJECTS[notice.kind].format(
        applicant=" ".join(application.applicant_name.split()),
        role="a referee" if request.kind == "referee" else "their signing official",
        domain=domain,
    )
    return Letter(subject, text.strip() + "\n")


def _link_in(notice: Notice) -> str | None:
    request = _request_of(notice)
    return link_of(request) if request else None


def link_of(request: VouchRequest) -> str:
    """The path that only the person who is asked knows."""
    return reverse("vouching:answer", args=[request.pk, token_of(request)])


def _request_of(notice: Notice) -> VouchRequest | None:
    requests = VouchRequest.objects.select_related("application__applicant")
    return requests.filter(pk=notice.data["request"]).first()


register_composer(LETTER_COMPOSER, compose_letter, link=_link_in)
