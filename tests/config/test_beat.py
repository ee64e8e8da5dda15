"""What beat sends is something that the portal's worker knows."""

from __future__ import annotations

from django.conf import settings

from portal.config.celery import app


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled - set(app.tasks) == set()
