"""A worker's metrics for Prometheus, including the engine's."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from inference_workers.background import end_tasks
from inference_workers.broker.leases import Leases
from inference_workers.contract import CancelReason, cancel_key
from inference_workers.engines.scripted import ScriptedEngine
from inference_workers.job import JobSet, RunningJob
from inference_workers.metrics import INTER_TOKEN_SECONDS, WeightedHistogram, WorkerMetrics
from inference_workers.telemetry.metrics_server import MetricsServer
from inference_workers.worker import Worker
from tests.inference_workers.conftest import (
    StartWorker,
    make_request,
    wait_for_tokens,
    wait_until,
)
from tests.plugin import running_valkey

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
VLLM = """\
# HELP python_gc_objects_collected_total Objects collected during gc
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 10.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="opt-175b"} 3.0
# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="opt-175b"} 1.5e+06
# HELP vllm:request_prompt_tokens Number of prefill tokens processed.
# TYPE vllm:request_prompt_tokens histogram
vllm:request_prompt_tokens_bucket{engine="0",le="1.0",model_name="opt-175b"} 0.0
# HELP vllm:time_to_first_token_seconds Histogram of time to first token in seconds.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="opt-175b"} 2.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="opt-175b"} 0.25
vllm:kv_cache_usage_perc 0.5
"""


class MeteredEngine(ScriptedEngine):
    """The scripted engine with the metrics of a vLLM server."""

    async def metrics(self) -> str:
        self._require_up()
        return VLLM


async def scrape(worker: Worker) -> Samples:
    return read_samples(await worker.metrics_server.render())


def read_samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted({"deployment": "scripted", **labels}.items()))]


async def test_tokens_first_tokens_and_gaps_are_counted_once_a_flush(
    start_worker: StartWorker,
) -> None:
    worker = await start_worker()
    await worker.run_job(make_request("[delay=0.02]x", sampling={"max_tokens": 30}))
    await worker.run_job(make_request("x", sampling={"max_tokens": 12}))

    samples = await scrape(worker)

    assert value(samples, "gatehouse_worker_tokens_total") == 42
    assert value(samples, "gatehouse_worker_first_token_seconds_count") == 2
    gaps = value(samples, "gatehouse_worker_inter_token_seconds_count")
    # Each token except those of a job's first flush follows another one.
    assert 20 <= gaps <= 40
    flushes = value(samples, "gatehouse_worker_flush_seconds_count")
    assert flushes == value(samples, "gatehouse_worker_flush_jobs_count")
    assert 0.2 < value(samples, "gatehouse_worker_inter_token_seconds_sum") < 5.0


async def test_tokens_of_a_worker_before_are_not_counted_again(start_worker: StartWorker) -> None:
    engine = ScriptedEngine()
    first, second = await start_worker(engine), await start_worker(engine)
    request = make_request("[delay=0.02]x", sampling={"max_tokens": 40})
    running = asyncio.create_task(first.run_job(request))
    await wait_for_tokens(first.redis, request.job_id, 5)
    first.hand_over_all()
    await running

    await second.run_job(request.model_copy(update={"attempt": 2}))

    made = [value(await scrape(one), "gatehouse_worker_tokens_total") for one in (first, second)]
    assert (min(made) >= 5, sum(made)) == (True, 40)
    assert value(await scrape(second), "gatehouse_worker_first_token_seconds_count") == 0


async def test_ends_are_counted_by_kind_and_code(start_worker: StartWorker, redis: Redis) -> None:
    worker = await start_worker()
    await worker.run_job(make_request())
    await worker.run_job(make_request("x" * 5000))
    stopped = make_request("[hang=1]x")
    await redis.set(cancel_key(stopped.job_id), CancelReason.USER.value)
    await worker.run_job(stopped)

    samples = await scrape(worker)

    name = "gatehouse_worker_jobs_ended_total"
    assert {key: number for key, number in samples.items() if key[0] == name} == {
        (name, (("code", ""), ("deployment", "scripted"), ("end", "done"))): 1,
        (
            name,
            (
                ("code", "context_length_exceeded"),
                ("deployment", "scripted"),
                ("end", "failed"),
            ),
        ): 1,
        (name, (("code", "user"), ("deployment", "scripted"), ("end", "cancelled"))): 1,
    }


async def test_state_is_told_as_it_is_at_the_scrape(start_worker: StartWorker) -> None:
    worker = await start_worker(assumed_power_watts=3000.0)
    await worker.monitor.probe()
    running = asyncio.create_task(worker.run_job(make_request("[hang=1]x", seconds=1)))
    await wait_until(lambda: len(worker.jobs.running()) == 1)

    samples = await scrape(worker)

    assert value(samples, "gatehouse_worker_jobs_running") == 1
    states = {
        state: value(samples, "gatehouse_worker_engine_state", state=state)
        for state in ("starting", "ready", "down")
    }
    assert states == {"starting": 0, "ready": 1, "down": 0}
    assert value(samples, "gatehouse_worker_engine_restarts_total") == 0
    assert ("gatehouse_worker_energy_joules_total", "assumed") in {
        (name, dict(labels).get("source")) for name, labels in samples
    }
    await running


async def test_engine_metrics_are_passed_on_with_the_deployment(start_worker: StartWorker) -> None:
    worker = await start_worker(MeteredEngine())

    text = await worker.metrics_server.render()

    vllm = [line for line in text.splitlines() if "vllm:" in line]
    label = 'deployment="scripted"'
    first_token = "vllm:time_to_first_token_seconds"
    rest = 'engine="0",model_name="opt-175b"'
    assert [line for line in vllm if not line.startswith("#")] == [
        f"vllm:num_requests_running{{{label},{rest}}} 3.0",
        f"vllm:generation_tokens_total{{{label},{rest}}} 1.5e+06",
        f'{first_token}_bucket{{{label},engine="0",le="0.1",model_name="opt-175b"}} 2.0',
        f"{first_token}_sum{{{label},{rest}}} 0.25",
        f"vllm:kv_cache_usage_perc{{{label}}} 0.5",
    ]
    assert len([line for line in vllm if line.startswith("#")]) == 6
    assert "python_gc" not in text


async def test_an_engine_that_is_down_costs_only_its_own_part(start_worker: StartWorker) -> None:
    worker = await start_worker(MeteredEngine(is_up=False))

    text = await worker.metrics_server.render()

    assert ("vllm:" in text, "gatehouse_worker_jobs_running" in text) == (False, True)


async def test_failed_renewals_and_flushes_are_counted(redis: Redis) -> None:
    metrics, jobs = WorkerMetrics("scripted"), JobSet()
    leases = Leases(redis, worker_id="w", metrics=metrics)
    renewing = asyncio.create_task(leases.run(jobs))
    running_valkey().kill()
    jobs.add(job := RunningJob(make_request()))
    job.lease_renewed_at = 0.0

    def failures() -> float:
        name, labels = "gatehouse_worker_lease_renewals_failed_total", {"deployment": "scripted"}
        return metrics.registry.get_sample_value(name, labels) or 0.0

    await wait_until(lambda: failures() >= 1)
    running_valkey().start()
    await end_tasks([renewing])


async def test_the_page_is_served_as_soon_as_its_address_is_free(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_workers.telemetry.metrics_server.RETRY_SECONDS", 0.05)
    worker, port = await start_worker(MeteredEngine()), find_free_port()
    address = f"http://127.0.0.1:{port}/metrics"

    def serve(deployment: str) -> asyncio.Task[None]:
        server = MetricsServer(
            worker.metrics,
            engine=worker.engine,
            deployment=deployment,
            bind="127.0.0.1",
            port=port,
        )
        return asyncio.create_task(server.run())

    async def answers(deployment: str) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(address) as reply:
                kind = "text/plain; version=0.0.4; charset=utf-8"
                assert reply.headers["Content-Type"] == kind
                sample = f'vllm:kv_cache_usage_perc{{deployment="{deployment}"}} 0.5'
                return sample in (await reply.text()).splitlines()
        except aiohttp.ClientConnectionError:
            return False

    first = serve("first")
    await wait_until(lambda: answers("first"))
    second = serve("second")
    assert await answers("first")
    await end_tasks([first])

    await wait_until(lambda: answers("second"))
    await end_tasks([second])


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_weighted_observations_fall_into_their_buckets() -> None:
    histogram = WeightedHistogram("name", "Text.", bounds=INTER_TOKEN_SECONDS, label="d")
    histogram.observe(0.01, weight=3)
    histogram.observe(0.0101, weight=2)
    histogram.observe(99.0, weight=1)

    [family] = histogram.collect()

    counts = {
        sample.labels["le"]: sample.value
        for sample in family.samples
        if sample.name == "name_bucket"
    }
    assert (counts["0.005"], counts["0.01"], counts["0.02"], counts["2.5"], counts["+Inf"]) == (
        0,
        3,
        5,
        5,
        6,
    )
    total = next(sample.value for sample in family.samples if sample.name == "name_sum")
    assert total == pytest.approx(0.03 + 0.0202 + 99.0)
