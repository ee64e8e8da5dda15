"""The whole site for a measurement: real servers and processes, in their own folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from benchmarks.models_file import DEPLOYMENT, write_models_file
from capacity.shapes import ModelShape
from demo.place import ROOT, Place
from demo.programs import ENGINE, WEB, site_environment, site_programs, worker_environment
from demo.services import Valkey, postgres_is_running, start_postgres, stop_postgres
from demo.supervisor import Program, Supervisor
from inference_workers.contract import WORKERS_KEY, worker_key

WORKER = "inference worker"
STAND_IN = ROOT / "benchmarks" / "stand_in"
READY_SECONDS = 300
STOP_SECONDS = 30
LIMITS = {
    # Speed is measured, so no limit must slow anyone down.
    "JOBS_PER_USER": "10000",
    "QUEUE_LIMIT": "100000",
    "DAILY_TOKEN_QUOTA": "2000000000",
    "LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Shape:
    """The configuration of a stack.

    `rate` is the stand-in engine's tokens per second and stream; None runs real vLLM. `weights`
    is a folder of `var/weights`. Every pair is an inference worker with its own engine.
    """

    people: int = 50
    slots: int = 64
    context: int = 1024
    """In tokens."""
    rate: float | None = 20.0
    weights: str = DEPLOYMENT
    with_dummy: ModelShape | None = None
    """The shape that real vLLM runs with dummy weights, instead of a folder's weights."""
    pairs: int = 1
    limits: Mapping[str, str] = field(default_factory=lambda: LIMITS)
    """Settings of the site in addition to the demo's."""
    engine_cores: Sequence[str] = ()
    """Cores of each pair's vLLM, as in VLLM_CPU_OMP_THREADS_BIND; empty: all cores for each.

    Engines that share cores wait for each other at every layer.
    """


@dataclass
class Stack:
    """A running site whose parts can be killed and started again."""

    shape: Shape
    place: Place
    url: str
    valkey: Valkey
    postgres_url: str
    programs: Mapping[str, Program]
    sessions: Sequence[str] = ()
    supervisor: Supervisor = field(default_factory=Supervisor)

    def kill(self, name: str) -> None:
        """Send SIGKILL to one process, but not to its children; the supervisor restarts it."""
        os.kill(self.supervisor.pid_of(name), signal.SIGKILL)

    def terminate(self, name: str) -> None:
        """Send SIGTERM, as in a rolling restart."""
        os.kill(self.supervisor.pid_of(name), signal.SIGTERM)

    def kill_engine(self, pair: int = 0) -> None:
        """Send SIGKILL to vLLM's server; its launcher survives and restarts it."""
        launcher = psutil.Process(self.supervisor.pid_of(engine_name(pair)))
        for child in launcher.children():
            child.kill()

    def restart_postgres(self) -> None:
        """Crash PostgreSQL and start it again."""
        os.kill(self._postgres_pid(), signal.SIGQUIT)
        while postgres_is_running(self.place.postgres):
            time.sleep(0.05)
        start_postgres(self.place.postgres)

    def cpu(self) -> dict[str, float]:
        """CPU seconds of every part so far, including its living children."""
        used: dict[str, float] = {}
        for name in self.programs:
            part = name.partition("#")[0].strip()
            used[part] = used.get(part, 0.0) + cpu_seconds(self.supervisor.pid_of(name))
        return {
            **used,
            "valkey": cpu_seconds(self.valkey.pid),
            "postgres": cpu_seconds(self._postgres_pid()),
        }

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Rows of the site's database."""
        with psycopg.connect(self.postgres_url) as connection:
            return connection.execute(statement.encode(), arguments).fetchall()

    def ready_engines(self) -> int:
        """The number of workers that report a ready engine."""
        with redis.Redis.from_url(self.valkey.url, decode_responses=True) as client:
            workers: Any = client.zrangebyscore(WORKERS_KEY, time.time(), "+inf")
            beats: list[Any] = [client.get(worker_key(worker)) for worker in workers]
        return sum(bool(beat) and json.loads(beat)["engine"] == "ready" for beat in beats)

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: answers(f"{self.url}/readyz"), what="the site")
        self.wait_until(lambda: self.ready_engines() >= self.shape.pairs, what="the engines")

    def wait_until(self, condition: Callable[[], bool], *, what: str) -> None:
        """Wait and supervise the processes; ends the program after `READY_SECONDS`."""
        give_up_at = time.monotonic() + READY_SECONDS
        while not condition():
            self.supervisor.look()
            if time.monotonic() > give_up_at:
                raise SystemExit(f"waited {READY_SECONDS} s for {what}")
            time.sleep(0.1)

    def _postgres_pid(self) -> int:
        return int((self.place.postgres / "postmaster.pid").read_text().split()[0])


def engine_name(pair: int) -> str:
    return f"{ENGINE} #{pair}"


def engine_socket(stack: Stack, pair: int = 0) -> Path:
    """The socket of the pair's engine."""
    folder = Path(stack.programs[engine_name(pair)].environment["ENGINE_DIR"])
    return folder / DEPLOYMENT / "engine.sock"


def worker_name(pair: int) -> str:
    return f"{WORKER} #{pair}"


@contextmanager
def running_stack(shape: Shape, *, database_url: str = "") -> Iterator[Stack]:
    """A site of this shape with ready engines; all of it is removed afterwards.

    It has its own PostgreSQL unless `database_url` names a database for it.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
    place = Place(var=folder, weights=ROOT / "var" / "weights")
    valkey = Valkey(folder / "valkey")
    stack: Stack | None = None
    try:
        postgres_url = database_url or start_postgres(place.postgres)
        valkey.start(wipe=True)
        place.logs.mkdir(exist_ok=True)
        stack = _build(shape, place, valkey, postgres_url)
        stack.supervisor.start(*stack.programs.values())
        stack.wait_until_ready()
        yield stack
    finally:
        if stack is not None:
            stack.supervisor.stop(seconds=STOP_SECONDS)
        valkey.kill()
        if not database_url:
            stop_postgres(place.postgres)
        shutil.rmtree(folder, ignore_errors=True)


def _build(shape: Shape, place: Place, valkey: Valkey, postgres_url: str) -> Stack:
    port = free_port()
    base = {name: value for name, value in os.environ.items() if name != "CI"}
    base |= shape.limits
    site = site_environment(place, base, port=port, database_url=postgres_url, redis_url=valkey.url)
    worker = worker_environment(place, site, deployment=DEPLOYMENT)
    worker["MODELS_FILE"] = os.fspath(
        write_models_file(
            place.var,
            slots=shape.slots,
            context=shape.context,
            weights=shape.weights,
            with_dummy=shape.with_dummy,
        )
    )
    if shape.rate is not None:
        worker["STAND_IN_RATE"] = str(shape.rate)
        worker["ENGINE_PYTHON"] = os.fspath(place.python)
        worker["PYTHONPATH"] = f"{STAND_IN}{os.pathsep}{ROOT}"
    _run([place.python, "-m", "demo.site_data", ""], site)
    sessions = json.loads(_run([place.python, "-m", "benchmarks.people", str(shape.people)], site))
    programs: dict[str, Program] = {}
    for pair in range(shape.pairs):
        own = _make_pair_environment(shape, worker, pair=pair)
        for program in site_programs(place, site, own, port=port, deployment=DEPLOYMENT):
            is_paired = program.name in {ENGINE, WORKER}
            name = f"{program.name} #{pair}" if is_paired else program.name
            programs[name] = replace(program, name=name, log=place.logs / f"{name}.log")
    url = f"http://127.0.0.1:{port}"
    return Stack(shape, place, url, valkey, postgres_url, programs, sessions)


def _make_pair_environment(shape: Shape, worker: Mapping[str, str], *, pair: int) -> dict[str, str]:
    """The environment of one worker and its engine; creates the engine's folder."""
    own = {**worker, "ENGINE_DIR": f"{worker['ENGINE_DIR']}/{pair}"}
    if shape.engine_cores:
        own["VLLM_CPU_OMP_THREADS_BIND"] = shape.engine_cores[pair]
    Path(own["ENGINE_DIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)
    return own


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its living children and those it has reaped."""
    process = psutil.Process(pid)
    total = 0.0
    for member in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def divide_cores(parts: int) -> list[str]:
    """The cores of this process in equal parts, each a comma-separated list."""
    cores = sorted(os.sched_getaffinity(0))
    each = max(1, len(cores) // parts)
    starts = [part * each % len(cores) for part in range(parts)]
    return [",".join(map(str, cores[start : start + each])) for start in starts]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env=dict(environment), cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{command[-1]}: {done.stderr[-2000:]}")
    return done.stdout


__all__ = [
    "DEPLOYMENT",
    "WEB",
    "Shape",
    "Stack",
    "answers",
    "cpu_seconds",
    "divide_cores",
    "engine_name",
    "engine_socket",
    "free_port",
    "running_stack",
    "worker_name",
]
