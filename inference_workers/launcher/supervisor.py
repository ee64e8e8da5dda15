"""Keeps one engine running: start, wait, warm up, watch, restart, stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from inference_workers.config import LauncherSettings
from inference_workers.contract import EngineState
from inference_workers.deployments import Deployment
from inference_workers.engines.base import EngineFailedError, EngineUnavailableError
from inference_workers.engines.headless import HeadlessEngine
from inference_workers.engines.status import (
    REFRESH_SECONDS,
    EngineStatus,
    read_status,
    write_status,
)
from inference_workers.engines.vllm_server import VLLMServer
from inference_workers.errors import LaunchError
from inference_workers.launcher.preflight import explain_failure, name_os_error, remove_stale_socket
from inference_workers.launcher.process import (
    read_process,
    reap_adopted,
    start_engine,
    stop_session,
)
from inference_workers.logs import get_logger
from inference_workers.multi_node.follower import FollowerLink
from inference_workers.multi_node.link import NodeLink

PROBE_SECONDS = 0.5
WATCH_SECONDS = 2.0
FAILED_PROBES_ALLOWED = 5
START_PATIENCE = 10
"""A start may take this many times the deployment's expected time, but at least 300 s."""
FAILED_STARTS_ALLOWED = 3
FIRST_BACK_OFF_SECONDS = 1.0
LONGEST_BACK_OFF_SECONDS = 60.0
STEADY_SECONDS = 60.0
WAITING = "waiting for the launchers of the other hosts"
ENDING = "waiting for killed processes"

SupervisedEngine = VLLMServer | HeadlessEngine

log = get_logger(__name__)


class EngineSupervisor:
    """Runs until `stop` is set; raises `LaunchError` if the engine never comes up."""

    def __init__(
        self,
        settings: LauncherSettings,
        deployment: Deployment,
        *,
        command: Sequence[str],
        env: Mapping[str, str],
        stop: asyncio.Event,
        link: NodeLink,
    ) -> None:
        self._settings = settings
        self._deployment = deployment
        self._command = command
        self._env = env
        self._stop = stop
        self._link = link
        self._process: asyncio.subprocess.Process | None = None
        self._failed_starts = 0
        self._back_off = FIRST_BACK_OFF_SECONDS
        former = read_status(settings.status_file)
        self._status = EngineStatus(
            deployment=deployment.slug,
            state=EngineState.STARTING,
            since=datetime.now(UTC),
            updated_at=datetime.now(UTC),
            launcher_pid=os.getpid(),
            last_start_seconds=former.last_start_seconds if former else None,
        )

    async def run(self) -> None:
        """Run the engine; no process of it remains when this returns or raises."""
        await asyncio.to_thread(reap_former_engine, self._settings)
        refresher = asyncio.create_task(self._refresh_status())
        try:
            while not self._stop.is_set():
                await self._run_once()
                if not self._stop.is_set():
                    await self._back_off_or_give_up()
        finally:
            refresher.cancel()
            await self._link.close()
            await self._end_engine()
            remove_stale_socket(self._settings.socket)
            self._report(EngineState.DOWN, pid=None, pid_started=None)

    async def _run_once(self) -> None:
        """One life of the engine, from its start until it has ended or must end."""
        remove_stale_socket(self._settings.socket)
        if not await self._join_nodes():
            return
        begun = time.monotonic()
        await self._start()
        engine = self._connect()
        detail = ""
        try:
            if await self._wait_until_ready(engine, begun=begun):
                seconds = round(time.monotonic() - begun, 1)
                self._failed_starts = 0
                self._report(EngineState.READY, last_start_seconds=seconds)
                self._link.send_ready()
                log.info("engine_ready", seconds=seconds)
                detail = await self._watch(engine)
            else:
                detail = self._name_end()
        except EngineFailedError as failure:
            detail = f"the warm-up failed: {failure}"
        finally:
            await engine.close()
            await self._link.leave()
            await self._end_engine()
        if not self._stop.is_set():
            cause = explain_failure(self._settings.engine_log_file)
            self._report(EngineState.DOWN, pid=None, pid_started=None, detail=f"{detail}; {cause}")
            log.error("engine_down", detail=detail, cause=cause)

    async def _join_nodes(self) -> bool:
        """Wait for every host; False if stopped before that. Raises `LaunchError`."""
        if not self._deployment.needs_launcher_per_node:
            return True
        former = self._status.detail
        self._report(EngineState.STARTING, detail=WAITING)
        log.info("waiting_for_nodes")
        joining = asyncio.ensure_future(self._link.join())
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({joining, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not joining.done():
            joining.cancel()
            return False
        joining.result()
        self._report(EngineState.STARTING, detail=former)
        return not self._stop.is_set()

    def _connect(self) -> SupervisedEngine:
        if isinstance(self._link, FollowerLink):
            return HeadlessEngine(self._link)
        return VLLMServer(model=self._deployment.model_name, socket=self._settings.socket)

    async def _start(self) -> None:
        try:
            output = open_log(self._settings)
            try:
                self._process = await start_engine(
                    self._command,
                    env=self._env,
                    log=output,
                    gives_way=self._deployment.runs_on_cpu,
                )
            finally:
                if output > 2:
                    os.close(output)
        except OSError as error:
            raise LaunchError(f"the engine cannot be started: {name_os_error(error)}") from error
        info = read_process(self._process.pid)
        self._report(
            EngineState.STARTING, pid=self._process.pid, pid_started=info.started if info else None
        )
        log.info("engine_starting", pid=self._process.pid)

    async def _wait_until_ready(self, engine: SupervisedEngine, *, begun: float) -> bool:
        """Whether it came up; False if it ended, took too long or must stop."""
        patience = max(300, START_PATIENCE * self._deployment.expected_start_seconds)
        while self._is_wanted() and time.monotonic() - begun < patience:
            if await engine.is_healthy():
                if self._deployment.warmup:
                    await engine.warm_up()
                return self._is_wanted()
            await self._pause(PROBE_SECONDS)
        if not self._link.lost:
            self._failed_starts += 1
        return False

    async def _watch(self, engine: SupervisedEngine) -> str:
        """Wait until the engine ends, hangs or must stop; return the reason."""
        begun = progressed_at = time.monotonic()
        failed_probes = tokens_done = 0
        while self._is_wanted():
            await self._pause(WATCH_SECONDS)
            reap_adopted(self._pid)
            now = time.monotonic()
            if now - begun > STEADY_SECONDS:
                self._back_off = FIRST_BACK_OFF_SECONDS
            try:
                load = await engine.load()
                is_healthy = await engine.is_healthy()
            except EngineUnavailableError:
                is_healthy = False
            failed_probes = 0 if is_healthy else failed_probes + 1
            if failed_probes >= FAILED_PROBES_ALLOWED:
                return "it does not respond"
            if not is_healthy:
                continue
            if load.tokens_done != tokens_done or load.running == 0:
                tokens_done, progressed_at = load.tokens_done, now
            if now - progressed_at > self._settings.engine_stall_seconds:
                return "it hangs"
        return self._name_end()

    async def _back_off_or_give_up(self) -> None:
        if self._failed_starts >= FAILED_STARTS_ALLOWED:
            raise LaunchError(
                f"the engine did not start in {FAILED_STARTS_ALLOWED} tries: {self._status.detail} "
                f"(see {self._settings.engine_log_file})"
            )
        self._report(EngineState.STARTING, restarts=self._status.restarts + 1)
        await self._pause(self._back_off, even_if_dead=True)
        self._back_off = min(self._back_off * 2, LONGEST_BACK_OFF_SECONDS)

    async def _end_engine(self) -> None:
        """End the engine's whole session, and wait until it has ended."""
        if self._process is None:
            return
        process, self._process = self._process, None
        loop = asyncio.get_running_loop()

        def remind(left: Sequence[int]) -> None:
            loop.call_soon_threadsafe(self._report_left, left)

        await asyncio.to_thread(stop_session, process.pid, remind=remind)
        await process.wait()
        log.info("engine_gone", pid=process.pid)

    def _report_left(self, left: Sequence[int]) -> None:
        """Report killed processes that have not ended; a new engine must wait for them."""
        log.warning("engine_not_gone", deployment=self._deployment.slug, pids=list(left))
        self._report(self._status.state, detail=f"{ENDING} {list(left)}")

    async def _pause(self, seconds: float, *, even_if_dead: bool = False) -> None:
        """Wait, but only until the engine ends or must stop."""
        waits = {asyncio.ensure_future(self._stop.wait())}
        if self._process is not None and not even_if_dead:
            waits.add(asyncio.ensure_future(self._process.wait()))  # type: ignore[arg-type]
            waits.add(asyncio.ensure_future(self._link.wait_until_lost()))  # type: ignore[arg-type]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _refresh_status(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            self._report(self._status.state)

    def _report(self, state: EngineState, **changes: object) -> None:
        """Write the status; a disk error does not stop a running engine."""
        now = datetime.now(UTC)
        since = self._status.since if state is self._status.state else now
        update = {"state": state, "since": since, "updated_at": now, **changes}
        self._status = self._status.model_copy(update=update)
        try:
            write_status(self._settings.status_file, self._status)
        except OSError as error:
            log.warning("status_not_written", cause=name_os_error(error))

    def _name_end(self) -> str:
        if self._link.lost:
            return self._link.lost
        code = self._process.returncode if self._process is not None else None
        if code is None:
            return "it was not ready in time"
        return f"it was killed by signal {-code}" if code < 0 else f"it ended with code {code}"

    def _is_wanted(self) -> bool:
        """Whether the engine is alive on every host and must not stop."""
        is_alive = self._process is not None and self._process.returncode is None
        return is_alive and not self._link.lost and not self._stop.is_set()

    @property
    def _pid(self) -> int:
        return self._process.pid if self._process is not None else 0


def reap_former_engine(settings: LauncherSettings) -> None:
    """End the engine that a killed launcher left behind."""
    former = read_status(settings.status_file)
    if former is None or former.pid is None:
        return
    leader = read_process(former.pid)
    if leader is not None and leader.started != former.pid_started:
        return  # The pid was given to another process.
    stop_session(
        former.pid,
        remind=lambda left: log.warning("former_engine_not_gone", pids=list(left)),
    )
    log.info("former_engine_reaped", pid=former.pid)


def open_log(settings: LauncherSettings) -> int:
    """A descriptor for the engine's output; the previous log is kept."""
    if settings.engine_log == "inherit":
        return 2
    file = settings.engine_log_file
    with contextlib.suppress(FileNotFoundError):
        file.replace(file.with_suffix(".log.1"))
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
