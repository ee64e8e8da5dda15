"""A worker's Prometheus metrics, counted once per flush or job and never per token."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from inference_workers.contract import Cancelled, Done, Failed
from inference_workers.job import RunningJob

LABEL: Final = "deployment"
FIRST_TOKEN_SECONDS: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0, 120.0)
INTER_TOKEN_SECONDS: Final = (0.005, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
FLUSH_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
FLUSH_JOBS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class WeightedHistogram(Collector):
    """A histogram that takes many equal observations at once, for use in a single thread."""

    def __init__(
        self, name: str, documentation: str, *, bounds: Sequence[float], label: str
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = bounds
        self._label = label
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float, *, weight: int) -> None:
        """Count `weight` observations of `value`."""
        self._counts[bisect_left(self._bounds, value)] += weight
        self._sum += value * weight

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=[LABEL])
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(self._counts)), strict=True))
        family.add_metric([self._label], buckets=buckets, sum_value=self._sum)
        yield family


class WorkerMetrics:
    """One worker's counters, in their own registry."""

    def __init__(self, deployment: str = "") -> None:
        self.registry = CollectorRegistry()
        self._deployment = deployment
        self._tokens = self._counter("tokens", "Completion tokens that were streamed.")
        self._jobs_ended = Counter(
            "gatehouse_worker_jobs_ended",
            "Jobs whose outcome this worker sent, by kind of end and failure code.",
            [LABEL, "end", "code"],
            registry=self.registry,
        )
        self._renewals_failed = self._counter(
            "lease_renewals_failed", "Lease renewals without a response from the broker."
        )
        self._leases_lost = self._counter(
            "leases_lost", "Jobs given up because another worker holds their lease."
        )
        self._flushes_failed = self._counter(
            "flushes_failed", "Stream writes without a response from the broker."
        )
        self._first_token = self._histogram(
            "first_token_seconds",
            "From this worker's start of a job to its first token.",
            buckets=FIRST_TOKEN_SECONDS,
        )
        self._flush_seconds = self._histogram(
            "flush_seconds", "Duration of one write to all streams.", buckets=FLUSH_SECONDS
        )
        self._flush_jobs = self._histogram(
            "flush_jobs", "Jobs with events in one write.", buckets=FLUSH_JOBS
        )
        self._inter_token = WeightedHistogram(
            "gatehouse_worker_inter_token_seconds",
            "Time between consecutive tokens of one job, averaged over each write.",
            bounds=INTER_TOKEN_SECONDS,
            label=deployment,
        )
        self.registry.register(self._inter_token)

    def flushed(self, jobs: Iterable[RunningJob], *, seconds: float) -> None:
        """Record a write of these jobs' events that took `seconds`, and count their new tokens."""
        now, tokens, count = time.monotonic(), 0, 0
        for job in jobs:
            count += 1
            new = job.tokens_made - job.tokens_metered
            if new <= 0:
                continue
            tokens += new
            if job.metered_at:
                self._inter_token.observe((now - job.metered_at) / new, weight=new)
            elif job.first_token_ms is not None:
                self._first_token.observe(job.first_token_ms / 1000)
                job.span.add_event("first_token")
            job.tokens_metered, job.metered_at = job.tokens_made, now
        if count:
            self._flush_seconds.observe(seconds)
            self._flush_jobs.observe(count)
        if tokens:
            self._tokens.inc(tokens)

    def flush_failed(self) -> None:
        self._flushes_failed.inc()

    def job_ended(self, job: RunningJob) -> None:
        """Count a job that has its terminal event."""
        match job.end:
            case Done():
                code = ""
            case Failed() as failed:
                code = failed.code.value
            case Cancelled() as cancelled:
                code = cancelled.reason.value
            case None:
                return
        self._jobs_ended.labels(self._deployment, job.end.type, code).inc()
        attributes = {"gatehouse.end": job.end.type, "gatehouse.code": code}
        job.span.add_event("end", {**attributes, "gatehouse.tokens": len(job.token_ids)})

    def lease_renewal_failed(self) -> None:
        self._renewals_failed.inc()

    def lease_lost(self) -> None:
        self._leases_lost.inc()

    def _counter(self, name: str, documentation: str) -> Counter:
        full = f"gatehouse_worker_{name}"
        return Counter(full, documentation, [LABEL], registry=self.registry).labels(
            self._deployment
        )

    def _histogram(self, name: str, documentation: str, *, buckets: Sequence[float]) -> Histogram:
        full = f"gatehouse_worker_{name}"
        return Histogram(
            full, documentation, [LABEL], buckets=buckets, registry=self.registry
        ).labels(self._deployment)
