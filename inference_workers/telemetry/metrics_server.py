"""The worker's Prometheus page: its own counters, its current state, and its engine's metrics."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from inference_workers.contract import EngineState
from inference_workers.engines.base import Engine, EngineUnavailableError
from inference_workers.engines.monitor import EngineMonitor
from inference_workers.job import JobSet
from inference_workers.logs import get_logger
from inference_workers.metrics import LABEL, WorkerMetrics
from inference_workers.telemetry.energy import EnergyCounter
from inference_workers.telemetry.engine_metrics import select_metrics

RETRY_SECONDS: Final = 30.0
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus's own text format, as vLLM's lines have it, without OpenMetrics exemplars."""

log = get_logger(__name__)


class LiveState(Collector):
    """Values that are read at the scrape instead of counted."""

    def __init__(
        self,
        *,
        deployment: str,
        jobs: JobSet,
        monitor: EngineMonitor,
        energy: EnergyCounter,
        folders: Mapping[str, Path],
    ) -> None:
        self._deployment = deployment
        self._jobs = jobs
        self._monitor = monitor
        self._energy = energy
        self._folders = folders

    def collect(self) -> Iterator[Metric]:
        yield self._gauge("jobs_running", "Jobs that are running.", len(self._jobs.running()))
        state = GaugeMetricFamily(
            "gatehouse_worker_engine_state",
            "1 for the current state of the engine.",
            labels=[LABEL, "state"],
        )
        for one in EngineState:
            state.add_metric([self._deployment, one.value], float(one is self._monitor.state))
        yield state
        yield self._counter(
            "engine_restarts", "Restarts by this engine's launcher.", self._monitor.restarts
        )
        yield from self._collect_energy()
        yield from self._collect_disks()

    def _collect_energy(self) -> Iterator[Metric]:
        reading = self._energy.latest
        energy = CounterMetricFamily(
            "gatehouse_worker_energy_joules",
            "Energy since the worker's start, measured or assumed according to `source`.",
            labels=[LABEL, "source"],
        )
        energy.add_metric([self._deployment, reading.source.value], reading.joules)
        yield energy

    def _collect_disks(self) -> Iterator[Metric]:
        free = GaugeMetricFamily(
            "gatehouse_worker_disk_free_ratio",
            "Free share of the disk that holds the folder, from 0 to 1.",
            labels=[LABEL, "folder"],
        )
        for name, folder in self._folders.items():
            try:
                usage = shutil.disk_usage(folder)
            except OSError:
                continue
            free.add_metric([self._deployment, name], usage.free / usage.total)
        yield free

    def _gauge(self, name: str, documentation: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"gatehouse_worker_{name}", documentation, labels=[LABEL])
        family.add_metric([self._deployment], value)
        return family

    def _counter(self, name: str, documentation: str, value: float) -> Metric:
        family = CounterMetricFamily(f"gatehouse_worker_{name}", documentation, labels=[LABEL])
        family.add_metric([self._deployment], value)
        return family


class MetricsServer:
    """Serves `/metrics` on one address, inside the worker's loop."""

    def __init__(
        self, metrics: WorkerMetrics, *, engine: Engine, deployment: str, bind: str, port: int
    ) -> None:
        self._metrics = metrics
        self._engine = engine
        self._deployment = deployment
        self._bind = bind
        self._port = port

    async def run(self) -> None:
        """Serve forever; if the address is in use, retry while jobs continue to run."""
        while True:
            try:
                await self._serve()
            except OSError as error:
                log.error(  # noqa: TRY400 -- the line has all details
                    "metrics_not_served",
                    bind=self._bind,
                    port=self._port,
                    error=error.strerror or type(error).__name__,
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def render(self) -> str:
        """All metrics in Prometheus's text format, without the engine's while it is down."""
        try:
            engine = select_metrics(await self._engine.metrics(), deployment=self._deployment)
        except EngineUnavailableError:
            engine = ""
        own = await asyncio.to_thread(generate_latest, self._metrics.registry)
        return own.decode() + engine

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_get("/metrics", self._answer)
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        try:
            await runner.setup()
            await web.TCPSite(runner, self._bind, self._port).start()
            log.info("metrics_served", bind=self._bind, port=self._port)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _answer(self, _request: web.Request) -> web.Response:
        return web.Response(text=await self.render(), headers={"Content-Type": CONTENT_TYPE})
