"""The ASGI entry point: `uvicorn portal.config.asgi:application`."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from portal.core.tracing import configure_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

application = get_asgi_application()
configure_tracing(endpoint=settings.OTEL_EXPORTER_OTLP_ENDPOINT, service_name="gatehouse-web")
