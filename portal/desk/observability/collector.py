"""Queues, workers and energy for Prometheus, read at each scrape instead of counted."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Final

import redis
from django.conf import settings
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from inference_workers.contract import EngineState
from portal.lab.energy.domain.account import EnergyAccount, account_energy
from portal.lab.jobs.domain.measures import Distribution, JobMeasures, QueueMeasure, measure_jobs
from portal.lab.jobs.domain.reaper_actions import ReaperRecord, read_record
from portal.lab.jobs.domain.workers import WorkerStatus, list_workers
from portal.lab.jobs.enums import JobState

CACHE_SECONDS: Final = 5.0


@dataclass(frozen=True)
class SiteMeasures:
    """A snapshot of the site. `workers` and `reaper` are None when the broker is unreachable."""

    at: datetime
    jobs: JobMeasures
    energy: list[EnergyAccount]
    workers: list[WorkerStatus] | None
    reaper: ReaperRecord | None


def measure_site() -> SiteMeasures:
    """Take a snapshot, with five queries and a few round trips to the broker."""
    now = timezone.now()
    workers: list[WorkerStatus] | None
    reaper: ReaperRecord | None
    try:
        workers, reaper = list_workers(), read_record()
    except redis.RedisError:
        workers, reaper = None, None
    return SiteMeasures(now, measure_jobs(at=now), account_energy(), workers, reaper)


class SiteCollector(Collector):
    """Measures at most once in CACHE_SECONDS, however often it is scraped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measures: SiteMeasures | None = None
        self._measured_at = 0.0

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering the collector does not query the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        measures = self._look()
        yield from collect_queues(measures.jobs.queues, at=measures.at)
        yield from collect_ends(measures.jobs)
        yield from collect_workers(measures)
        yield from collect_reaper(measures.reaper)
        yield from collect_energy(measures.energy)
        yield collect_disk()

    def forget(self) -> None:
        """Measure again at the next scrape."""
        self._measured_at = 0.0

    def _look(self) -> SiteMeasures:
        with self._lock:
            now = time.monotonic()
            if self._measures is None or now - self._measured_at > CACHE_SECONDS:
                self._measures, self._measured_at = measure_site(), now
            return self._measures


def collect_queues(queues: Mapping[str, QueueMeasure], *, at: datetime) -> Iterator[Metric]:
    jobs = GaugeMetricFamily(
        "gatehouse_jobs", "Jobs that have not ended.", labels=["deployment", "state"]
    )
    missing = GaugeMetricFamily(
        "gatehouse_jobs_missing",
        "Jobs held neither by a worker nor by the broker.",
        labels=["deployment"],
    )
    oldest = GaugeMetricFamily(
        "gatehouse_oldest_wait_seconds",
        "How long the oldest waiting job has waited; 0 when none waits.",
        labels=["deployment"],
    )
    for name, queue in queues.items():
        jobs.add_metric([name, JobState.QUEUED.value], queue.waiting)
        jobs.add_metric([name, JobState.RUNNING.value], queue.running)
        missing.add_metric([name], queue.missing)
        waited = (at - queue.oldest_at).total_seconds() if queue.oldest_at else 0.0
        oldest.add_metric([name], max(0.0, waited))
    yield from (jobs, missing, oldest)


def collect_ends(measures: JobMeasures) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "gatehouse_jobs_ended",
        "Jobs that ended since midnight UTC.",
        labels=["deployment", "state", "code"],
    )
    for labels, count in sorted(measures.ended.items()):
        ended.add_metric(list(labels), count)
    yield ended
    yield _collect_distribution(
        "gatehouse_job_wait_seconds",
        "From acceptance to the start, for jobs that ended since midnight UTC.",
        measures.waits,
    )
    yield _collect_distribution(
        "gatehouse_job_run_seconds",
        "From the start to the end, for jobs that ended since midnight UTC.",
        measures.runs,
    )


def _collect_distribution(
    name: str, documentation: str, distributions: Mapping[str, Distribution]
) -> Metric:
    family = HistogramMetricFamily(name, documentation, labels=["deployment"])
    for deployment, one in sorted(distributions.items()):
        bounds = [*map(str, one.bounds), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(one.counts)), strict=True))
        family.add_metric([deployment], buckets=buckets, sum_value=one.sum)
    return family


def collect_workers(measures: SiteMeasures) -> Iterator[Metric]:
    broker = GaugeMetricFamily("gatehouse_broker_up", "1 while the broker responds.")
    broker.add_metric([], float(measures.workers is not None))
    yield broker
    workers = GaugeMetricFamily(
        "gatehouse_workers",
        "Workers with a heartbeat, by the state of their engine.",
        labels=["deployment", "engine"],
    )
    if measures.workers is not None:
        counts = Counter((worker.deployment, worker.engine) for worker in measures.workers)
        names = set(measures.jobs.queues) | {worker.deployment for worker in measures.workers}
        for name in sorted(names):
            for state in EngineState:
                workers.add_metric([name, state.value], counts[name, state])
    yield workers


def collect_reaper(record: ReaperRecord | None) -> Iterator[Metric]:
    actions = CounterMetricFamily(
        "gatehouse_reaper_actions", "Actions of the reaper on jobs.", labels=["action"]
    )
    last_run = GaugeMetricFamily(
        "gatehouse_reaper_last_run_timestamp_seconds", "Time of the reaper's last round."
    )
    if record is not None:
        for action, count in record.actions.items():
            actions.add_metric([action.value], count)
        if record.last_run is not None:
            last_run.add_metric([], record.last_run)
    yield from (actions, last_run)


def collect_energy(accounts: list[EnergyAccount]) -> Iterator[Metric]:
    energy = CounterMetricFamily(
        "gatehouse_energy_joules",
        "Energy of all workers so far, measured or assumed.",
        labels=["deployment", "source"],
    )
    carbon = CounterMetricFamily(
        "gatehouse_carbon_grams",
        "CO2 equivalent of that energy at CARBON_INTENSITY_G_PER_KWH.",
        labels=["deployment"],
    )
    for account in accounts:
        energy.add_metric([account.deployment, "measured"], account.measured_joules)
        energy.add_metric([account.deployment, "assumed"], account.assumed_joules)
        carbon.add_metric([account.deployment], account.carbon_kg * 1000)
    yield from (energy, carbon)


def collect_disk() -> Metric:
    free = GaugeMetricFamily(
        "gatehouse_disk_free_ratio", "Free part of the disk of VAR_DIR, from 0 to 1."
    )
    try:
        usage = shutil.disk_usage(settings.VAR_DIR)
    except OSError:
        return free
    free.add_metric([], usage.free / usage.total)
    return free
