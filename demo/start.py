"""Everything between an installed environment and running programs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from demo.model_choice import PACKAGED_MODEL
from demo.place import ROOT, Place
from demo.preflight import GIB, check_space
from demo.services import Valkey, start_postgres
from demo.supervisor import Program, Supervisor
from demo.terminal import RefusalError, step

CONNECT_SECONDS = 5
CONVERSION_NEEDS = 2 * GIB


def prepare_weights(place: Place, *, deployment: str) -> None:
    """Convert the packaged model if needed; other models bring their own weights."""
    folder = place.weights / PACKAGED_MODEL
    if deployment != PACKAGED_MODEL or (folder / "model.safetensors").is_file():
        return
    place.weights.mkdir(parents=True, exist_ok=True)
    check_space(place.weights, needed=CONVERSION_NEEDS, what="converting the model")
    with step("Converting the packaged model, once"):
        run_logged(
            [place.engine_python, place.root / "engine_tools" / "convert_smollm2.py", folder],
            os.environ,
            log=place.logs / "convert.log",
        )


def start_databases(
    place: Place, supervisor: Supervisor, environment: Mapping[str, str]
) -> tuple[str, str]:
    """The URLs of PostgreSQL and Valkey: those given, or of servers started here."""
    database_url, redis_url = environment.get("DATABASE_URL"), environment.get("REDIS_URL")
    if database_url:
        check_database(database_url)
    else:
        with step("Starting PostgreSQL"):
            database_url = start_own_postgres(place)
    if redis_url:
        check_redis(redis_url)
    else:
        with step("Starting Valkey"):
            redis_url = _start_valkey(place, supervisor)
    return database_url, redis_url


def start_own_postgres(place: Place) -> str:
    """The server in `var/`; raises `RefusalError` if it does not start."""
    place.var.mkdir(parents=True, exist_ok=True)
    try:
        return start_postgres(place.postgres)
    except (subprocess.SubprocessError, RuntimeError):
        raise RefusalError(
            f"PostgreSQL does not start; see {place.postgres / 'log'}. "
            "If its files are damaged, make reset removes them."
        ) from None


def _start_valkey(place: Place, supervisor: Supervisor) -> str:
    server = Valkey(place.valkey, socket=place.sockets() / "valkey.sock")
    server.data_dir.mkdir(parents=True, exist_ok=True)
    log = place.logs / "valkey.log"
    program = Program("Valkey", server.command, os.environ, log, place.root, is_foundation=True)
    supervisor.start(program)
    try:
        server.wait_until_it_answers()
    except redis.RedisError:
        raise RefusalError(
            f"Valkey does not start; see {log}. If its files are damaged, make reset removes them."
        ) from None
    return server.url


def check_database(url: str) -> None:
    """Raise `RefusalError` unless a PostgreSQL responds at `DATABASE_URL`."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise RefusalError(f"DATABASE_URL: no PostgreSQL responds ({reason[:200]}).") from None


def check_redis(url: str) -> None:
    """Raise `RefusalError` unless a server responds at `REDIS_URL`."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise RefusalError(f"REDIS_URL: no Redis or Valkey responds ({error}).") from None


@dataclass(frozen=True)
class SiteData:
    """The accounts, the approved researcher's API key, and the id of the key's model."""

    accounts: tuple[Mapping[str, str], ...]
    api_key: str
    model: str


def prepare_site(place: Place, environment: Mapping[str, str], *, deployment: str) -> SiteData:
    """Bring the database up to date, and return how people and scripts sign in."""
    live = "" if deployment == PACKAGED_MODEL else f"{deployment}={deployment}"
    with step("Preparing the database"):
        printed = run_logged(
            [place.python, "-m", "demo.site_data", live],
            environment,
            log=place.logs / "site-data.log",
        )
    told: Any = json.loads(printed)
    return SiteData(tuple(told["accounts"]), api_key=told["api_key"], model=told["model"])


def write_card(place: Place, *, url: str, site: SiteData, weights: Path) -> None:
    """Write the file that scripts read about the running demo; only this user can read it.

    `model` is the live model's id in the API, `weights` the folder of its weights.
    """
    card = {"url": url, **asdict(site), "weights": os.fspath(weights.absolute())}
    text = json.dumps(card, indent=2) + "\n"
    partial = place.card.with_suffix(".partial")
    with suppress(FileNotFoundError):
        partial.unlink()
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(place.card)


def run_logged(command: Sequence[str | Path], environment: Mapping[str, str], *, log: Path) -> str:
    """Run the command and return its output; its errors go to `log`.

    Raises `RefusalError` with the last line of the log if the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as errors:
        done = subprocess.run(
            command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=errors, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise RefusalError(f"{lines[-1] if lines else 'no reason was given'} (see {log})")
    return done.stdout
