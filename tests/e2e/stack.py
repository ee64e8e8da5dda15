"""The whole site as `make demo` runs it, in its own folders, with parts that a test can kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
import redis
from playwright.sync_api import Page, expect

from demo.place import Place
from demo.programs import site_environment, worker_environment
from demo.services import Valkey
from inference_workers.contract import (
    EVENT,
    WORKERS_KEY,
    Delta,
    EngineState,
    Heartbeat,
    stream_key,
    worker_key,
)
from tests.plugin import ROOT

SITE_SECONDS = 60
ENGINE_SECONDS = 240
STOP_SECONDS = 60


@dataclass(frozen=True)
class Account:
    """One of the demo's people."""

    email: str
    password: str


class DemoStack:
    """A running demo. The database is its caller's; Valkey belongs to this object."""

    def __init__(self, folder: Path, *, database_url: str) -> None:
        self.folder = folder
        self._place = Place(var=folder / "var")
        self.valkey = Valkey(folder / "valkey", appendfsync="no")
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._database_url = database_url
        self._process: subprocess.Popen[bytes] | None = None
        self._accounts: dict[str, Account] = {}
        self.card: dict[str, Any] = {}
        """What the demo tells programs about itself."""

    def start(self) -> None:
        """Start everything and wait until the site responds; the engine may still be loading."""
        environment = {
            **{name: value for name, value in os.environ.items() if name != "SECRET_KEY"},
            "PORT": str(self.port),
            "VAR_DIR": os.fspath(self._place.var),
            "WEIGHTS_DIR": os.fspath(ROOT / "var" / "weights"),
            "DATABASE_URL": self._database_url,
            "REDIS_URL": self.valkey.start(wipe=True),
        }
        with (self.folder / "demo.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        card = self._place.card
        self.wait_until(card.exists, seconds=SITE_SECONDS, what="the site's card")
        self.card = told = json.loads(card.read_text())
        self._accounts = {
            account["role"]: Account(account["email"], account["password"])
            for account in told["accounts"]
        }
        self.wait_until(self.answers, seconds=SITE_SECONDS, what="the site to answer")

    def stop(self) -> list[psutil.Process]:
        """Stop like Ctrl-C, and return the processes that are left; there must be none."""
        assert self._process is not None
        family = self.processes()
        os.kill(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(timeout=STOP_SECONDS)
        finally:
            left = [process for process in family if _runs(process)]
            for process in left:
                process.kill()
            self.valkey.kill()
        return left

    @property
    def engine_folder(self) -> Path:
        """Where its launcher keeps the engine's socket and state."""
        return self._place.sockets()

    def environments(self, deployment: str) -> tuple[dict[str, str], dict[str, str]]:
        """The environment of the site's programs, and of a worker and launcher of a deployment."""
        site = site_environment(
            self._place,
            os.environ,
            port=self.port,
            database_url=self._database_url,
            redis_url=self.valkey.url,
        )
        return site, worker_environment(
            replace(self._place, weights=ROOT / "var" / "weights"), site, deployment=deployment
        )

    def is_ready(self, deployment: str) -> bool:
        """Whether a worker of the deployment reports a ready engine."""
        return any(
            beat.deployment == deployment and beat.engine is EngineState.READY
            for beat in self.heartbeats()
        )

    def account(self, role: str) -> Account:
        return self._accounts[role]

    def processes(self) -> list[psutil.Process]:
        """All descendants of the demo's process."""
        assert self._process is not None
        return psutil.Process(self._process.pid).children(recursive=True)

    def find_process(self, *words: str) -> psutil.Process:
        """The oldest process of the demo whose command line has all the words."""
        for process in sorted(self.processes(), key=lambda process: process.create_time()):
            line = _command_line(process)
            if all(word in line for word in words):
                return process
        raise LookupError(
            f"no process with {words} in {[_command_line(p) for p in self.processes()]}"
        )

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_until_the_engine_is_ready(self) -> None:
        self.wait_until(self._engine_is_ready, seconds=ENGINE_SECONDS, what="the engine")

    def wait_until(self, condition: Callable[[], bool], *, seconds: float, what: str) -> float:
        """Wait for a condition and return the seconds it took; fails with the demo's output."""
        began = time.monotonic()
        while not condition():
            waited = time.monotonic() - began
            died = self._process is not None and self._process.poll() is not None
            if died or waited > seconds:
                output = (self.folder / "demo.log").read_text(errors="replace")
                raise AssertionError(f"waited {waited:.0f} s for {what}; the demo said:\n{output}")
            time.sleep(0.1)
        return time.monotonic() - began

    def query(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        """Rows of the demo's database, which is the record."""
        with psycopg.connect(self._database_url) as connection:
            return connection.execute(statement.encode(), arguments).fetchall()

    def _engine_is_ready(self) -> bool:
        return any(beat.engine is EngineState.READY for beat in self.heartbeats())

    def streamed_tokens(self, run: str) -> int:
        """The number of tokens in the run's stream."""
        with redis.Redis.from_url(self.valkey.url, decode_responses=True) as client:
            entries: list[tuple[str, dict[str, str]]] = client.xrange(stream_key(UUID(run)))
        events = [EVENT.validate_json(fields["e"]) for _, fields in entries]
        return sum(len(event.token_ids) for event in events if isinstance(event, Delta))

    def heartbeats(self) -> list[Heartbeat]:
        """What the inference workers report about themselves."""
        with redis.Redis.from_url(self.valkey.url, decode_responses=True) as client:
            workers: list[str] = client.zrange(WORKERS_KEY, 0, -1)
            texts = [client.get(worker_key(worker)) for worker in workers]
        return [Heartbeat.model_validate_json(str(text)) for text in texts if text]


def sign_in(page: Page, account: Account) -> None:
    """Sign in through the site's own form."""
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill(account.email)
    page.get_by_label("Password", exact=True).fill(account.password)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page).not_to_have_url("**/account/login/**")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _runs(process: psutil.Process) -> bool:
    """Whether the process is running, and not a zombie."""
    try:
        return process.is_running() and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""
