"""Stores the energy readings of the workers' heartbeats."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import FloatField, Value
from django.db.models.functions import Greatest

from inference_workers.contract import EnergySource
from portal.lab.energy.models import EnergyReading
from portal.lab.jobs.domain.workers import WorkerStatus
from portal.platform.core.each import do_each


def record_energy(workers: Iterable[WorkerStatus], *, at: datetime) -> None:
    """Raise each worker's row to its present reading. Safe to repeat, and in any order."""
    known = [worker for worker in workers if worker.energy_source is not EnergySource.UNKNOWN]
    do_each(known, lambda worker: _record(worker, at=at), doing="record_energy")


@transaction.atomic
def _record(worker: WorkerStatus, *, at: datetime) -> None:
    joules = Greatest("joules", Value(worker.energy_joules, output_field=FloatField()))
    rows = EnergyReading.objects.filter(worker=worker.worker)
    if not rows.update(joules=joules, last_at=at):
        EnergyReading.objects.bulk_create(
            [
                EnergyReading(
                    worker=worker.worker,
                    deployment=worker.deployment,
                    source=worker.energy_source.value,
                    joules=worker.energy_joules,
                    first_at=worker.started_at,
                    last_at=at,
                )
            ],
            ignore_conflicts=True,
        )
