"""What a person can use with a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.gate.access.capabilities import CAPABILITIES
from portal.gate.access.domain.decide import Decision, decide, usable_models
from portal.gate.access.enums import Capability, KeyScope
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


@dataclass(frozen=True)
class KeyAccess:
    """The models and scopes that a new key can have; if there are none, the reason."""

    models: tuple[HostedModel, ...]
    scopes: tuple[KeyScope, ...]
    refusal: Decision | None = None

    @property
    def is_open(self) -> bool:
        return bool(self.models)


def describe_key_access(user: User, *, at: datetime) -> KeyAccess:
    """What `decide` opens to the person's programs at a moment, in any way that keys give."""
    models: dict[int, HostedModel] = {}
    scopes: list[KeyScope] = []
    for capability, terms in CAPABILITIES.items():
        usable = list(usable_models(user, capability, at)) if terms.key_scopes else []
        models |= {model.pk: model for model in usable}
        scopes += terms.key_scopes if usable else ()
    if not models:
        return KeyAccess((), (), describe_api_access(user, at=at).refusal)
    return KeyAccess(tuple(models.values()), tuple(scopes))
