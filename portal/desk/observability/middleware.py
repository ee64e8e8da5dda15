"""Prometheus uses the container's name as the host, which the site does not allow."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.platform.core.base_middleware import Middleware

METRICS_PATH: Final = "/metrics"


class ScrapeHostMiddleware(Middleware):
    """Accepts any host on `/metrics`, a page that makes no link and sets no cookie.

    The alternative would be to allow the container's name for every page.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == METRICS_PATH:
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0]
        return self.get_response(request)
