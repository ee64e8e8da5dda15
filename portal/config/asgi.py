"""The ASGI entry point: `uvicorn portal.config.asgi:application`."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final

import django
from django.conf import settings
from django.urls import get_resolver

from portal.lab.api.handler import PREFIX, ApiHandler
from portal.library.weights.hub.handler import PREFIX as HUB_PREFIX
from portal.library.weights.hub.handler import HubHandler
from portal.platform.core.asgi import Application, Receive, Scope, Send
from portal.platform.core.handler import SiteHandler
from portal.platform.core.request_bodies import BodyReader
from tracing import configure_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths of monitoring, whose requests never wait in line."""
PROBE_THREADS: Final = 4
SWITCH_SECONDS: Final = 0.001
"""How long a busy thread may keep the interpreter from the event loop; Python's default is 5 ms."""


def build_application() -> Application:
    """The site, its API, its Hub and its probes, each with its own handler."""
    from portal.lab.api.auth import admit_by_key  # noqa: PLC0415 -- models are loaded by the setup

    site = BodyReader(SiteHandler(places=settings.REQUESTS_AT_A_TIME))
    api = BodyReader(ApiHandler(), admit=admit_by_key)
    hub = BodyReader(HubHandler())
    probes = BodyReader(SiteHandler(places=PROBE_THREADS, is_limited=False))

    ways = ((PREFIX, api), (HUB_PREFIX, hub))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        # `/v1` and `/hub` too: no such pages exist, and each gives its own 404.
        own = (way for prefix, way in ways if f"{path}/".startswith(prefix))
        way = next(own, probes if path in PROBES else site)
        await way(scope, receive, send)

    return application


def settle() -> None:
    """Load what the first requests would load, and exclude it from every later garbage collection.

    A full collection stops the process: for 150 ms with all that a site has loaded, 15 without.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)


django.setup(set_prefix=False)
application = build_application()
settle()
configure_tracing(endpoint=settings.OTEL_EXPORTER_OTLP_ENDPOINT, service_name="gatehouse-web")
