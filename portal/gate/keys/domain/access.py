"""The models that a person can use with a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.gate.access.domain.decide import Decision, decide, usable_models
from portal.gate.access.enums import Capability
from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class ApiAccess:
    """The models that a person may use through the API; if there are none, the reason."""

    models: tuple[HostedModel, ...]
    refusal: Decision | None = None

    @property
    def is_open(self) -> bool:
        return bool(self.models)


def describe_api_access(user: User, *, at: datetime) -> ApiAccess:
    """The models that `decide` opens through the API at a moment, or the reason for none.

    The reason is about the model of the person's newest grant, or else the first live model.
    """
    models = tuple(usable_models(user, Capability.API, at))
    if models:
        return ApiAccess(models)
    models_known = HostedModel.objects.select_related("release__licence")
    held = models_known.filter(grants__user=user).order_by("-grants__starts_at", "-grants__pk")
    live = models_known.filter(status=ModelStatus.LIVE)
    model = held.first() or live.first() or models_known.first()
    return ApiAccess((), decide(user, model, Capability.API, at) if model else None)
