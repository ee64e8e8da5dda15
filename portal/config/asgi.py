"""The ASGI entry point: `uvicorn portal.config.asgi:application`."""

from __future__ import annotations

import os

import django
from django.conf import settings

from portal.api.handler import ApiHandler, route_api
from portal.core.handler import SiteHandler
from portal.core.tracing import configure_tracing
from portal.core.turnstile import Turnstile

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

django.setup(set_prefix=False)
application = route_api(Turnstile(SiteHandler(), places=settings.REQUESTS_AT_A_TIME), ApiHandler())
configure_tracing(endpoint=settings.OTEL_EXPORTER_OTLP_ENDPOINT, service_name="gatehouse-web")
