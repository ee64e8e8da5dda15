"""The tasks' names, for the code that sends them, and the call for one."""

from __future__ import annotations

from typing import Final

from celery import current_app
from django.db import transaction

DISPATCH_TASK: Final = "portal.webhooks.dispatch"
SEND_TASK: Final = "portal.webhooks.send"


def call_for_dispatch() -> None:
    """Request a dispatch after the commit; if the broker is down, it only happens later."""
    transaction.on_commit(lambda: current_app.send_task(DISPATCH_TASK), robust=True)
