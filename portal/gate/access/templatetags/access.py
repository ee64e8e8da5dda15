"""A visitor's access to a model, for pages of capabilities below this one."""

from __future__ import annotations

from django import template
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from portal.gate.access.domain.decide import Decision, decide, usable_models
from portal.gate.access.enums import Capability
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User

register = template.Library()


@register.simple_tag
def access_to(model: HostedModel, user: User | AnonymousUser) -> Decision:
    """Return what `decide` says about the playground now."""
    return decide(user, model, Capability.PLAYGROUND, timezone.now())


@register.simple_tag
def models_open_to(user: User | AnonymousUser) -> list[HostedModel]:
    """The models that a visitor may prompt now; without an account none, and no query."""
    if not isinstance(user, User):
        return []
    return list(usable_models(user, Capability.PLAYGROUND, timezone.now()).order_by("name"))
