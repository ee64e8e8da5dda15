"""Models by the names that programs use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db.models import Q
from django.utils import timezone

from portal.gate.access.domain.decide import usable_models
from portal.gate.access.enums import Capability
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.lab.jobs.domain.workers import engine_status
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

HUB = "huggingface.co"


def find_model(name: str, *, key: ApiKey) -> HostedModel:
    """The model with this name: its slug, or the hub's name of its weights.

    Raises `DomainError` with code `model_not_found`, naming the open models. Does not check
    whether the person may use the model; `decide` does.
    """
    wanted = unquote(name)
    for model in _candidates(wanted):
        if wanted in names_of(model):
            return model
    names = ", ".join(str(model["id"]) for model in list_open_models(key)) or "none now"
    raise DomainError(
        RefusalCode.MODEL_NOT_FOUND,
        f"There is no model {wanted[:100]!r} here. Open to this key: {names}.",
        field="model",
    )


def list_open_models(key: ApiKey) -> list[dict[str, Any]]:
    """The models that the person may use through the API with this key, as clients read them."""
    models = usable_models(key.user, Capability.API, timezone.now()).select_related("release")
    only = set(key.allowed_models.values_list("pk", flat=True))
    return [
        describe_model(model, name=model.slug) for model in models if not only or model.pk in only
    ]


def describe_model(model: HostedModel, *, name: str) -> dict[str, Any]:
    """The model with the present state of its engines."""
    engine = engine_status(model.deployment) if model.deployment else None
    served = engine.max_model_len if engine else None
    return {
        "id": unquote(name),
        "object": "model",
        "created": 0,
        "owned_by": model.release.licensor,
        "name": model.name,
        "aliases": sorted(names_of(model)),
        "max_model_len": min(model.context_length, served or model.context_length),
        "status": engine.readiness.value if engine and model.is_live else "offline",
        "parameters": model.parameters,
        "max_logprobs": engine.max_logprobs if engine else None,
        "provenance": engine.provenance.model_dump(exclude={"v"})
        if engine and engine.provenance
        else None,
    }


def names_of(model: HostedModel) -> set[str]:
    """Its slug, and `owner/name` if its source is a repository on the hub."""
    return {model.slug, *_hub_names(model.source_url)}


def _hub_names(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    path = parts.path.strip("/").split("/")
    if parts.hostname == HUB and len(path) >= 2:
        yield "/".join(path[:2])


def _candidates(name: str) -> list[HostedModel]:
    if "\0" in name:
        # PostgreSQL does not accept the query.
        return []
    matching = Q(slug=name) | Q(source_url__startswith=f"https://{HUB}/{name}")
    return list(
        HostedModel.objects.filter(matching).select_related("release__licence").order_by("slug")
    )
