"""The reference page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.api.api import api
from portal.api.document.example import MODEL
from portal.api.reference.pages import read_groups, read_refusals
from portal.catalog.enums import ModelStatus
from portal.catalog.models import HostedModel


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Every operation with parameters, code and answers, read from the OpenAPI document."""
    live = HostedModel.objects.filter(status=ModelStatus.LIVE).order_by("slug").first()
    base_url = f"{settings.SITE_URL}/v1"
    context = {
        "groups": read_groups(
            api.get_openapi_schema(), base_url=base_url, model=live.slug if live else MODEL
        ),
        "refusals": read_refusals(),
        "base_url": base_url,
        "parallel": settings.API_JOBS_PER_USER,
    }
    return render(request, "reference/reference.html", context)
