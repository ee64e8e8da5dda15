"""The portal's own Celery app: the queue `portal` and the beat schedule.

Apps use `celery.shared_task` and `celery.current_app`; none imports this module.
"""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.conf import settings

from tracing import configure_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def trace_our_jobs(**_: object) -> None:
    """A job that is sent again starts its next trace in this worker."""
    configure_tracing(
        endpoint=settings.OTEL_EXPORTER_OTLP_ENDPOINT, service_name="gatehouse-portal-worker"
    )


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Stop Celery from replacing the handlers that settings.py installed."""
