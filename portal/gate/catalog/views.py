"""The public pages: what is released, and how to get access."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.gate.catalog.domain.figure import draw_family
from portal.gate.catalog.domain.journey import list_steps
from portal.gate.catalog.domain.sample import find_sample
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.further_reading import list_reading
from portal.gate.catalog.models import HostedModel, Release


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front door: what is released, why it is gated, what to do next."""
    rows = Release.objects.select_related("licence", "sample_run").prefetch_related("models")
    releases = list(rows)
    models = [model for release in releases for model in release.models.all()]
    context = {
        "releases": releases,
        "flagship": releases[0] if releases else None,
        "live": [model for model in models if model.is_live],
        "models": models,
        "figure": draw_family(models),
        "sample": find_sample(releases),
    }
    return render(request, "gate/catalog/home.html", context)


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Every model of every release, in one table for each."""
    releases = Release.objects.select_related("licence").prefetch_related("models")
    return render(request, "gate/catalog/models.html", {"releases": releases})


@require_safe
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """One model: its facts, what it takes to serve it, and the visitor's next step."""
    shown = get_object_or_404(HostedModel.objects.select_related("release__licence"), slug=slug)
    context = {
        "model": shown,
        "release": shown.release,
        "steps": list_steps(request.user, shown, at=timezone.now()),
        "readings": list_reading(shown),
    }
    return render(request, "gate/catalog/model.html", context)


@require_safe
def model_card(request: HttpRequest, slug: str) -> HttpResponse:
    """What the models of a release are for, how they were made, and where they fail."""
    release = get_object_or_404(Release.objects.select_related("licence"), slug=slug)
    return render(request, "gate/catalog/model_card.html", {"release": release})


@require_safe
def data_card(request: HttpRequest, slug: str) -> HttpResponse:
    """What the models of a release were trained on."""
    release = get_object_or_404(Release.objects.select_related("licence"), slug=slug)
    return render(request, "gate/catalog/data_card.html", {"release": release})


@require_safe
def process(request: HttpRequest) -> HttpResponse:
    """How applications are judged and how long that takes."""
    releases = list(Release.objects.select_related("licence").prefetch_related("models"))
    texts: dict[str, list[Release]] = {}
    for release in releases:
        texts.setdefault(release.process, []).append(release)
    models = [model for release in releases for model in release.models.all()]
    tiers = [(tier, [model for model in models if model.tier == tier]) for tier in Tier]
    context = {"releases": releases, "texts": texts.items(), "tiers": tiers}
    return render(request, "gate/catalog/process.html", context)
