"""The portal's own Celery app: the queue `portal` and the beat schedule.

Apps use `celery.shared_task` and `celery.current_app`; nobody imports this module.
"""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Stop Celery from replacing the handlers that settings.py installed."""
