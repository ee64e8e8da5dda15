"""Assembles the parts of one worker inside its event loop."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable

from inference_workers.background import end_tasks, keep_running
from inference_workers.broker.connections import connect
from inference_workers.broker.control import Control
from inference_workers.broker.engine_deaths import remember_deaths
from inference_workers.broker.leases import Leases
from inference_workers.broker.outcomes import Outcomes, Send
from inference_workers.broker.peers import Peers
from inference_workers.broker.publisher import StreamPublisher
from inference_workers.config import WorkerSettings
from inference_workers.contract import GenerationRequest
from inference_workers.deployments import Deployment
from inference_workers.engines.base import Engine
from inference_workers.engines.monitor import EngineMonitor
from inference_workers.engines.scripted import ByteDecoder, ScriptedEngine
from inference_workers.engines.vllm_server import VLLMServer
from inference_workers.generation.failover import Failover
from inference_workers.generation.generator import Generator
from inference_workers.generation.throughput import Throughput
from inference_workers.job import JobSet
from inference_workers.lifecycle import JobResult, JobRunner
from inference_workers.logs import get_logger
from inference_workers.metrics import WorkerMetrics
from inference_workers.telemetry.energy import EnergyCounter
from inference_workers.telemetry.heartbeat import HeartbeatSender
from inference_workers.telemetry.metrics_server import LiveState, MetricsServer
from inference_workers.telemetry.power import find_meter
from inference_workers.telemetry.provenance import ProvenanceReader
from inference_workers.tokenizer.publisher import TokenizerPublisher
from inference_workers.tracing import job_span

log = get_logger(__name__)


def name_worker(deployment: str) -> str:
    """A unique name, so that a dead worker's leases do not look like this worker's."""
    return f"{deployment}@{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(3)}"


def build_engine(settings: WorkerSettings, deployment: Deployment) -> Engine:
    """The client of the deployment's engine. Call this inside the event loop."""
    if deployment.engine == "scripted":
        return ScriptedEngine()
    if settings.engine_url:
        return VLLMServer(model=deployment.model_name, url=settings.engine_url)
    return VLLMServer(model=deployment.model_name, socket=settings.socket)


class Worker:
    """Everything that runs jobs of one deployment. Create it inside its event loop."""

    def __init__(
        self,
        settings: WorkerSettings,
        deployment: Deployment,
        *,
        send: Send,
        engine: Engine | None = None,
    ) -> None:
        self.id = name_worker(deployment.slug)
        self.engine = engine or build_engine(settings, deployment)
        self.redis = connect(settings.redis_url)
        self.jobs = JobSet()
        self.metrics = WorkerMetrics(deployment.slug)
        self.publisher = StreamPublisher(self.redis, worker_id=self.id, metrics=self.metrics)
        self.monitor = EngineMonitor(self.engine, settings=settings, deployment=deployment)
        self._provenance = ProvenanceReader(self.engine, settings=settings, deployment=deployment)
        self._leases = Leases(self.redis, worker_id=self.id, metrics=self.metrics)
        self._control = Control(self.redis, self.jobs, deployment=deployment.queue_name)
        throughput = Throughput()
        peers = Peers(self.redis, deployment=deployment.queue_name, worker_id=self.id)
        self._generator = Generator(
            self.engine,
            monitor=self.monitor,
            publisher=self.publisher,
            throughput=throughput,
            remember_deaths=lambda job: remember_deaths(self.redis, job),
            relay=Failover(self.monitor, peers),
            max_model_len=deployment.max_model_len,
            max_tokens=deployment.max_tokens,
        )
        if deployment.engine == "scripted":
            self._generator.decoder = ByteDecoder()
        self._outcomes = Outcomes(
            self.redis,
            send=send,
            publisher=self.publisher,
            leases=self._leases,
            jobs=self.jobs,
            worker_id=self.id,
            metrics=self.metrics,
            provenance=lambda: self._provenance.known,
        )
        self._runner = JobRunner(
            self.redis,
            engine=self.engine,
            generator=self._generator,
            publisher=self.publisher,
            leases=self._leases,
            jobs=self.jobs,
            outcomes=self._outcomes,
            worker_id=self.id,
        )
        # An engine with its own URL does not run on this host's hardware.
        meter = None if settings.engine_url else find_meter(deployment, replica=settings.replica)
        energy = EnergyCounter(meter, assumed_watts=deployment.assumed_power_watts)
        self.heartbeat = HeartbeatSender(
            self.redis,
            engine=self.engine,
            monitor=self.monitor,
            jobs=self.jobs,
            throughput=throughput,
            deployment=deployment,
            energy=energy,
            provenance=self._provenance,
            worker_id=self.id,
        )
        self.metrics.registry.register(
            LiveState(
                deployment=deployment.slug,
                jobs=self.jobs,
                monitor=self.monitor,
                energy=energy,
                folders={"engines": settings.engine_dir, "weights": settings.weights_dir},
            )
        )
        self.metrics_server = MetricsServer(
            self.metrics,
            engine=self.engine,
            deployment=deployment.slug,
            bind=settings.metrics_bind,
            port=settings.metrics_port,
        )
        self._serves_metrics = settings.metrics_port > 0
        self._tokenizer = TokenizerPublisher(
            self.redis, settings=settings, deployment=deployment, generator=self._generator
        )
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the background tasks. The broker and the engine may be unavailable."""
        # Before the first job: a job that starts without a tokenizer cannot be continued.
        await self._tokenizer.load()
        for name, work in (
            ("publisher", self.publisher.run),
            ("leases", lambda: self._leases.run(self.jobs)),
            ("control_channel", self._control.listen),
            ("cancel_poll", self._control.poll),
            ("engine_monitor", self.monitor.run),
            ("heartbeat", self.heartbeat.run),
            ("tokenizer", self._tokenizer.run),
            ("prompts", lambda: self._generator.prompts.run(self.monitor.wait_until_ready)),
        ):
            self._keep_running(name, work)
        if self._serves_metrics:
            self._keep_running("metrics", self.metrics_server.run)
        log.info("worker_started", worker=self.id)

    async def run_job(self, request: GenerationRequest, *, traceparent: str = "") -> JobResult:
        """Run one job; `traceparent` is the sender's W3C header."""
        with job_span(request, traceparent=traceparent) as span:
            result = await self._runner.run_job(request)
            span.set_attribute("gatehouse.result", result.name.lower())
            return result

    def _keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._background.append(asyncio.create_task(keep_running(name, work), name=name))

    def hand_over_all(self) -> None:
        """Stop every running job so that another worker continues it, and take no new jobs."""
        self._runner.hand_over_all()

    async def close(self) -> None:
        """Stop everything; jobs that still run are left to the portal's reaper."""
        await self._outcomes.close()
        await end_tasks(self._background)
        await self.heartbeat.say_goodbye()
        await self.engine.close()
        await self.redis.aclose()
        log.info("worker_stopped", worker=self.id)
