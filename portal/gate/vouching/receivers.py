"""What follows from submitting an application: checking for referees, and sending links."""

from __future__ import annotations

from collections.abc import Sequence

from django.dispatch import receiver
from django.urls import reverse

from portal.gate.access.domain.screening.flags import (
    Flag,
    mark_lookalikes,
    register_flags,
)
from portal.gate.access.domain.workflow.separation import domain_of, register_insiders
from portal.gate.access.models import Application
from portal.gate.access.signals import application_submitted, application_submitting
from portal.gate.catalog.models import HostedModel
from portal.gate.vouching.domain.requests import issue_link
from portal.gate.vouching.enums import LIVE_STATES, Answer, RequestState, VouchKind
from portal.gate.vouching.models import VouchRequest
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


@receiver(application_submitting)
def require_referee(application: Application, models: Sequence[HostedModel], **_: object) -> None:
    """Lock the requests, and raise `referee_missing` if a model requires a missing referee."""
    # The application first, as everywhere.
    Application.objects.select_for_update().get(pk=application.pk)
    live = VouchRequest.objects.select_for_update().filter(application=application)
    kinds = {request.kind for request in live.filter(state__in=LIVE_STATES).order_by("pk")}
    wanting = [model.name for model in models if model.requires_referee]
    if wanting and VouchKind.REFEREE not in kinds:
        raise DomainError(
            RefusalCode.REFEREE_MISSING,
            f"{wanting[0]} requires a referee: name one, then submit. Your answers are kept.",
            next_url=reverse("vouching:own"),
        )


@receiver(application_submitted)
def send_links(application: Application, **_: object) -> None:
    """Ask everybody who is named and not yet asked."""
    named = VouchRequest.objects.filter(application=application, state=RequestState.NAMED)
    for request in named.select_related("application__applicant").order_by("pk"):
        issue_link(request, actor=application.applicant)


def find_missing_reference(application: Application, models: Sequence[HostedModel]) -> list[Flag]:
    """A flag for a model that requires a referee, if no referee has confirmed."""
    wanting = [model.name for model in models if model.requires_referee]
    confirmed = VouchRequest.objects.filter(
        application=application, kind=VouchKind.REFEREE, answer=Answer.CONFIRM
    )
    if not wanting or confirmed.exists():
        return []
    message = f"{wanting[0]} requires a referee, and none has confirmed."
    return [Flag("referee_unconfirmed", message, "the model's release")]


def find_disguised_vouchers(application: Application, _models: Sequence[HostedModel]) -> list[Flag]:
    """Flags for vouchers whose domain looks like another one."""
    live = VouchRequest.objects.filter(application=application, state__in=LIVE_STATES)
    return mark_lookalikes(
        [
            (f"The {VouchKind(kind).label.lower()}'s domain", domain_of(email))
            for kind, email in live.order_by("pk").values_list("kind", "email")
        ]
    )


def speak_for(person_id: int, reviewer: User) -> str:
    """A reviewer who has vouched for somebody does not decide on them."""
    answered = VouchRequest.objects.filter(
        application__applicant=person_id,
        email__iexact=reviewer.email,
        answer__in=[Answer.CONFIRM, Answer.CANNOT_CONFIRM],
    )
    return "their referee or official" if answered.exists() else ""


register_flags(find_missing_reference)
register_flags(find_disguised_vouchers)
register_insiders(speak_for)
