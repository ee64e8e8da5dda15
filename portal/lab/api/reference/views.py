"""The reference: a guide, and a page for each group of operations."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.models import HostedModel
from portal.lab.api.api import api
from portal.lab.api.document.example import MODEL
from portal.lab.api.reference.pages import Group, read_groups, read_refusals

KEPT = 64
"""Rendered groups to cache: more than there are, since the examples' model can change."""


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """What applies to all operations, and links to each of them."""
    context = {
        "groups": _read_groups(_base_url(), _find_served_model()),
        "refusals": read_refusals(),
        "base_url": _base_url(),
        "parallel": settings.API_JOBS_PER_USER,
    }
    return render(request, "lab/reference/index.html", context)


@require_safe
def group(request: HttpRequest, slug: str) -> HttpResponse:
    """The operations of one group with parameters, code and responses."""
    base_url, model = _base_url(), _find_served_model()
    groups = _read_groups(base_url, model)
    shown = next((each for each in groups if each.slug == slug), None)
    if shown is None:
        raise Http404
    context = {
        "groups": groups,
        "shown": shown,
        "endpoints": _render_endpoints(base_url, model, slug),
    }
    return render(request, "lab/reference/group.html", context)


def _base_url() -> str:
    return f"{settings.SITE_URL}/v1"


def _find_served_model() -> str:
    live = HostedModel.objects.filter(status=ModelStatus.LIVE).order_by("slug").first()
    return live.slug if live else MODEL


@lru_cache(maxsize=KEPT)
def _read_groups(base_url: str, model: str) -> list[Group]:
    return read_groups(api.get_openapi_schema(), base_url=base_url, model=model)


@lru_cache(maxsize=KEPT)
def _render_endpoints(base_url: str, model: str, slug: str) -> SafeString:
    """Rendered once, since it takes a second and changes only with the code."""
    shown = next(each for each in _read_groups(base_url, model) if each.slug == slug)
    return render_to_string("lab/reference/endpoints.html", {"group": shown})
