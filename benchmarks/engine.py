"""A vLLM engine for a measurement: started with Gatehouse's own command, used, and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from demo.terminal import RefusalError
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.launcher.process import find_session, start_engine, stop_session
from inference_workers.launcher.vllm_command import build_command, build_environment

LONGEST_ANSWER = aiohttp.ClientTimeout(total=None)
POLL_SECONDS = 0.25
LOG_TAIL = 12
WORKER = "VLLM::Worker"


@dataclass(kw_only=True)
class Engine:
    """A ready engine."""

    deployment: Deployment
    ready_seconds: float
    """From the start of its process to its first healthy response."""
    log: Path
    leader: int
    session: aiohttp.ClientSession

    async def complete(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        max_tokens: int,
        prompt_logprobs: int | None = None,
    ) -> list[dict[str, Any]]:
        """Continue all prompts together, greedily and past end tokens; one choice per prompt."""
        body = {
            "model": self.deployment.model_name,
            "prompt": [list(prompt) for prompt in prompts],
            "max_tokens": max_tokens,
            "min_tokens": max_tokens,
            "ignore_eos": True,
            "temperature": 0,
            "prompt_logprobs": prompt_logprobs,
            "return_token_ids": True,
        }
        async with self.session.post("/v1/completions", json=body) as reply:
            document = json.loads(await reply.read())
            if reply.status != 200:
                raise RefusalError(f"vLLM returned status {reply.status}: {document}")
        choices: list[dict[str, Any]] = document["choices"]
        return sorted(choices, key=lambda choice: int(choice["index"]))

    def worker_bytes(self) -> list[int]:
        """The resident memory of every rank's process, in bytes."""
        processes = (psutil.Process(pid) for pid in find_session(self.leader))
        return [
            process.memory_info().rss
            for process in processes
            if process.cmdline()[:1] and process.cmdline()[0].startswith(WORKER)
        ]


@asynccontextmanager
async def running_engine(
    deployment: Deployment, *, weights_dir: Path, engine_python: Path
) -> AsyncIterator[Engine]:
    """The deployment's engine while the block runs; all its processes end with the block.

    Raises `RefusalError` with the log's last lines if it ends before it is ready.
    """
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        settings = LauncherSettings(
            deployment=deployment.slug,
            engine_dir=Path(folder),
            weights_dir=weights_dir,
            engine_python=engine_python,
        )
        settings.deployment_dir.mkdir(mode=0o700)
        begun = time.monotonic()
        with settings.engine_log_file.open("wb") as log:
            process = await start_engine(
                build_command(settings, deployment),
                env=build_environment(settings, deployment, inherited=os.environ),
                log=log.fileno(),
            )
        connector = aiohttp.UnixConnector(path=os.fspath(settings.socket), limit=0)
        try:
            async with aiohttp.ClientSession(
                base_url="http://engine", connector=connector, timeout=LONGEST_ANSWER
            ) as session:
                await _wait_until_healthy(session, process, log=settings.engine_log_file)
                yield Engine(
                    deployment=deployment,
                    ready_seconds=time.monotonic() - begun,
                    log=settings.engine_log_file,
                    leader=process.pid,
                    session=session,
                )
        finally:
            # asyncio's child watcher reaps the leader.
            await asyncio.to_thread(stop_session, process.pid)


async def _wait_until_healthy(
    session: aiohttp.ClientSession, process: asyncio.subprocess.Process, *, log: Path
) -> None:
    while process.returncode is None:
        with suppress(aiohttp.ClientError, OSError):
            async with session.get("/health") as reply:
                if reply.status == 200:
                    return
        await asyncio.sleep(POLL_SECONDS)
    raise RefusalError(f"the engine ended before it was ready; end of its log:\n{_read_end(log)}")


def _read_end(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-LOG_TAIL:])


def make_deployment(
    slug: str,
    *,
    tensor_parallel_size: int,
    max_model_len: int,
    max_num_seqs: int,
    dtype: str,
    extra_args: Sequence[str],
    env: dict[str, str],
    gpu_memory_utilization: float | None = None,
) -> Deployment:
    """A deployment as in `models.toml`."""
    return Deployment.model_validate(
        {
            "slug": slug,
            "tensor_parallel_size": tensor_parallel_size,
            "max_model_len": max_model_len,
            "max_num_seqs": max_num_seqs,
            "max_logprobs": -1,
            "dtype": dtype,
            "gpu_memory_utilization": gpu_memory_utilization,
            "extra_args": (
                # A prompt must be read again even if it was read before.
                "--no-enable-prefix-caching",
                *extra_args,
            ),
            "env": env,
        }
    )


def cpu_environment(ranks: int) -> dict[str, str]:
    """A core for each rank, and no kernels compiled during a measurement."""
    return {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "|".join(str(rank) for rank in range(ranks)),
        "TORCHDYNAMO_DISABLE": "1",
    }
