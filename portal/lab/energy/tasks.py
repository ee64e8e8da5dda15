"""The portal's Celery task for energy."""

from __future__ import annotations

import redis
import structlog
from celery import shared_task
from django.utils import timezone

from portal.lab.energy.domain.record import record_energy
from portal.lab.jobs.domain.workers import list_workers

log = structlog.get_logger(__name__)


@shared_task(name="portal.energy.record", ignore_result=True)
def record() -> None:
    """Store the readings of the living workers' heartbeats; nothing while the broker is down."""
    try:
        workers = list_workers()
    except redis.RedisError as error:
        log.warning("energy_not_recorded", error=type(error).__name__)
        return
    record_energy(workers, at=timezone.now())
