"""The page that Prometheus scrapes."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest

from portal.desk.observability.collector import SiteCollector
from portal.platform.core.metrics import render_processes

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

site_collector = SiteCollector()
_SITE: Final = CollectorRegistry()
_SITE.register(site_collector)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, for clients with METRICS_TOKEN; 404 for all others."""
    if not _bears_token(request):
        raise Http404
    text = render_processes() + generate_latest(_SITE)
    return HttpResponse(text, content_type=CONTENT_TYPE)


def _bears_token(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    return bool(token) and constant_time_compare(given, f"Bearer {token}")
