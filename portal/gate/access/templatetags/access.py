"""A visitor's access to a model, for pages of capabilities below this one."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from portal.gate.access.domain.decide import NextStep, decide, usable_models
from portal.gate.access.enums import Capability, Code
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User

register = template.Library()
ENDED = (Code.GRANT_EXPIRED, Code.SUSPENDED, Code.REVOKED)


@dataclass(frozen=True)
class Access:
    """The decision for the playground; `has_ended` if the visitor had access before."""

    code: str
    message: str
    next_step: NextStep | None
    has_ended: bool
    is_open: bool


@register.simple_tag
def access_to(model: HostedModel, user: User | AnonymousUser) -> Access:
    """Return what `decide` says about the model now."""
    decision = decide(user, model, Capability.PLAYGROUND, timezone.now())
    return Access(
        code=decision.code,
        message=decision.message,
        next_step=decision.next_step,
        has_ended=decision.code in ENDED,
        is_open=decision.allowed,
    )


@register.simple_tag
def models_open_to(user: User | AnonymousUser) -> list[HostedModel]:
    """The models that a visitor may prompt now; without an account none, and no query."""
    if not isinstance(user, User):
        return []
    return list(usable_models(user, Capability.PLAYGROUND, timezone.now()).order_by("name"))
