"""What applicants learn about their referee and official: that they answered, never what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.gate.vouching.domain.requests import MOST_LINKS, RESEND_PAUSE, current_request
from portal.gate.vouching.enums import Delivery, RequestState, VouchKind
from portal.gate.vouching.models import VouchRequest
from portal.platform.notices.enums import NoticeState

DELIVERIES = {
    NoticeState.QUEUED: Delivery.QUEUED,
    NoticeState.SENDING: Delivery.QUEUED,
    NoticeState.SENT: Delivery.SENT,
    NoticeState.BOUNCED: Delivery.BOUNCED,
    NoticeState.FAILED: Delivery.FAILED,
}


@dataclass(frozen=True)
class VoucherView:
    """One kind of voucher as its applicant sees it; `request` is None while nobody is named."""

    kind: VouchKind
    request: VouchRequest | None
    delivery: Delivery | None
    can_resend: bool
    links_left: int


def describe_vouches(application: Application, *, at: datetime) -> list[VoucherView]:
    """The referee and the official of an application."""
    return [_describe(current_request(application, kind), kind, at=at) for kind in VouchKind]


def needs_referee(application: Application) -> bool:
    """Whether a model of the application, or ticked in its draft, requires a referee."""
    chosen = application.draft.get("models_wanted") or []
    wanted = HostedModel.objects.filter(requires_referee=True)
    if application.submitted_at:
        return application.models_wanted.filter(requires_referee=True).exists()
    return wanted.filter(slug__in=chosen).exists()


def _describe(request: VouchRequest | None, kind: VouchKind, *, at: datetime) -> VoucherView:
    if request is None:
        return VoucherView(kind, None, None, can_resend=False, links_left=MOST_LINKS)
    left = MOST_LINKS - request.serial
    is_pausing = bool(request.sent_at) and at < request.sent_at + RESEND_PAUSE  # type: ignore[operator]
    can_resend = request.state == RequestState.ASKED and left > 0 and not is_pausing
    return VoucherView(
        kind, request, _judge(request, at=at), can_resend=can_resend, links_left=left
    )


def _judge(request: VouchRequest, *, at: datetime) -> Delivery:
    if request.state == RequestState.ANSWERED:
        return Delivery.ANSWERED
    if request.state == RequestState.NAMED:
        return Delivery.NAMED
    if request.is_expired(at=at):
        return Delivery.EXPIRED
    if request.notice is None:
        return Delivery.SENT
    return DELIVERIES.get(NoticeState(request.notice.state), Delivery.QUEUED)
