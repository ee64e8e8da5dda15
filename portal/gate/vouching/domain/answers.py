"""The state of a link, and the answer that comes by it. No account is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.enums import OPEN_STATES, REVIEW_STATES
from portal.gate.access.models import Application
from portal.gate.vouching.domain.domains import propose_domain
from portal.gate.vouching.domain.requests import subject_of
from portal.gate.vouching.enums import Answer, LinkStanding, RequestState, VouchKind
from portal.gate.vouching.models import VouchRequest
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.link_tokens import digest_token, is_right_token
from portal.platform.core.refusals import RefusalCode
from portal.platform.notices.domain.outbox import post

LONGEST_TEXT = 5000


@dataclass(frozen=True)
class Link:
    """A link that somebody followed, with its state and its request.

    A wrong one has no request: it reveals nothing.
    """

    standing: LinkStanding
    request: VouchRequest | None = None


def read_link(request_id: int, token: str, *, at: datetime) -> Link:
    """The state of a link at a moment. Every wrong token takes the same time."""
    requests = VouchRequest.objects.select_related("application__applicant")
    request = requests.filter(pk=request_id).first()
    digest = request.digest if request else digest_token("")
    if not is_right_token(token, digest) or request is None:
        return Link(LinkStanding.WRONG)
    return Link(_judge(request, at=at), request)


@transaction.atomic
def answer_request(
    request: VouchRequest,
    *,
    answer: Answer,
    text: str = "",
    authorises_domain: bool = False,
) -> VouchRequest:
    """Record a voucher's answer, once; whatever it is, it decides nothing.

    The applicant learns that an answer came; reviewers read it. Raises `DomainError`:
    `link_used`, `link_expired`, `link_replaced`, `link_closed`, `not_for_domain`.
    """
    locked = VouchRequest.objects.select_for_update().get(pk=request.pk)
    now = timezone.now()
    standing = _judge(locked, at=now)
    if standing != LinkStanding.OPEN or locked.digest != request.digest:
        raise DomainError(
            RefusalCode(f"link_{standing}"), "Nothing was changed: this link cannot be used now."
        )
    locked.state, locked.answer, locked.answered_at = RequestState.ANSWERED, answer, now
    locked.text = text.strip()[:LONGEST_TEXT]
    locked.save()
    domain = None
    if authorises_domain and answer == Answer.CONFIRM:
        domain = propose_domain(locked)
    _notify(locked)
    application = locked.application
    data = {"application": application.case_number, "kind": locked.kind, "answer": str(answer)}
    record(AuditTag.VOUCH_ANSWERED, actor=None, subject=subject_of(locked), data=data)
    if domain is not None:
        data = {"domain": domain.domain, "application": application.case_number}
        record(AuditTag.DOMAIN_PROPOSED, actor=None, subject=f"domain:{domain.pk}", data=data)
    return locked


def _judge(request: VouchRequest, *, at: datetime) -> LinkStanding:
    if request.state == RequestState.ANSWERED:
        return LinkStanding.USED
    if request.state == RequestState.REPLACED:
        return LinkStanding.REPLACED
    if request.application.visible_state(at=at) not in OPEN_STATES:
        return LinkStanding.CLOSED
    return LinkStanding.EXPIRED if request.is_expired(at=at) else LinkStanding.OPEN


def _notify(request: VouchRequest) -> None:
    """Notify the applicant that an answer came, and reviewers that they may read it."""
    application = request.application
    about = f"application:{application.case_number}"
    role = VouchKind(request.kind).label.lower()
    post(
        application.applicant,
        kind="vouching.answered",
        about=about,
        subject=f"Your {role} has answered about {application.case_number}",
        body=_write("answered", request, role=role),
    )
    if application.state not in REVIEW_STATES:
        return
    for reviewer in _readers(application):
        post(
            reviewer,
            kind="vouching.reviewers_answered",
            about=about,
            subject=f"The {role} of {application.case_number} has answered",
            body=_write("reviewers_answered", request, role=role),
            may_wait=True,
        )


def _readers(application: Application) -> list[User]:
    claimant = application.claimant_at(timezone.now())
    if claimant is not None:
        return [claimant]
    reviewers = User.objects.filter(is_reviewer=True, is_active=True)
    return list(reviewers.exclude(pk=application.applicant_id).order_by("email"))


def _write(name: str, request: VouchRequest, *, role: str) -> str:
    application = request.application
    page = "access:status" if name == "answered" else "console:application"
    args = [] if name == "answered" else [application.case_number]
    text = render_to_string(
        f"emails/vouching/{name}.txt",
        {
            "user": application.applicant if name == "answered" else None,
            "application": application,
            "role": role,
            "link": settings.SITE_URL + reverse(page, args=args),
            "site_url": settings.SITE_URL,
        },
    )
    return text.strip() + "\n"
