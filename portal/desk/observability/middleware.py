"""Prometheus uses the container's name as the host, which the site does not allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

METRICS_PATH: Final = "/metrics"


class ScrapeHostMiddleware:
    """Accepts any host on `/metrics`, a page that makes no link and sets no cookie.

    The alternative would be to allow the container's name for every page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == METRICS_PATH:
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0]
        return self.get_response(request)
