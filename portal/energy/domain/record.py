"""Keep what the workers' heartbeats say of energy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import FloatField, Value
from django.db.models.functions import Greatest

from inference_workers.contract import EnergySource
from portal.energy.models import EnergyReading
from portal.jobs.domain.workers import WorkerStatus


def record_energy(workers: Iterable[WorkerStatus], *, at: datetime) -> None:
    """Raise each worker's row to its present reading. Safe to repeat, and in any order."""
    for worker in workers:
        if worker.energy_source is EnergySource.UNKNOWN:
            continue
        joules = Greatest("joules", Value(worker.energy_joules, output_field=FloatField()))
        rows = EnergyReading.objects.filter(worker=worker.id)
        if not rows.update(joules=joules, last_at=at):
            EnergyReading.objects.bulk_create(
                [
                    EnergyReading(
                        worker=worker.id,
                        deployment=worker.deployment,
                        source=worker.energy_source.value,
                        joules=worker.energy_joules,
                        first_at=worker.started_at,
                        last_at=at,
                    )
                ],
                ignore_conflicts=True,
            )
