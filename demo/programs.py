"""The processes of the running site: their commands and environments."""

from __future__ import annotations

import os
from collections.abc import Mapping

from demo.place import Place
from demo.preflight import HOST
from demo.supervisor import Program

WEB = "web"
ENGINE = "engine"
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""Celery's workers need no heartbeats between them: our leases and heartbeats replace these."""
NOT_FOR_WORKERS = frozenset({"DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"})


def site_environment(
    place: Place, base: Mapping[str, str], *, port: int, database_url: str, redis_url: str
) -> dict[str, str]:
    """The environment of the site and the workers; it overrides the shell's variables."""
    settings = {
        "DEMO": "1",
        "SITE_URL": f"http://{HOST}:{port}",
        "ALLOWED_HOSTS": "localhost",
        "SECRET_KEY": place.secret_key(),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "VAR_DIR": os.fspath(place.var),
        "WEIGHTS_DIR": os.fspath(place.weights),
        "LOG_FORMAT": "console",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "portal.config.settings",
        "PATH": f"{place.python.parent}{os.pathsep}{base.get('PATH', os.defpath)}",
    }
    files = {f"{name}_FILE" for name in settings}
    kept = {name: value for name, value in base.items() if name not in files}
    # The usual ten minutes are long for a person who tries out both sides of a decision.
    return {"LOG_LEVEL": "INFO", "DECISION_HOLD_SECONDS": "20", **kept, **settings}


def worker_environment(place: Place, site: Mapping[str, str], *, deployment: str) -> dict[str, str]:
    """The site's environment without what GPU hosts do not get, plus engine and weights."""
    kept = {name: value for name, value in site.items() if name not in NOT_FOR_WORKERS}
    return {
        **kept,
        "DEPLOYMENT": deployment,
        "ENGINE_DIR": os.fspath(place.sockets()),
        "ENGINE_PYTHON": os.fspath(place.engine_python),
        # Ctrl-C gives running jobs back immediately; the next start continues them.
        "SHUTDOWN_GRACE_SECONDS": "1",
    }


def site_programs(
    place: Place, site: Mapping[str, str], worker: Mapping[str, str], *, port: int, deployment: str
) -> list[Program]:
    """In starting order: the site responds before the engine takes the processors."""
    celery = [place.program("celery"), "-A"]
    beat = place.var / "beat"
    beat.mkdir(parents=True, exist_ok=True)

    def program(name: str, command: list[object], environment: Mapping[str, str]) -> Program:
        words = [
            os.fspath(word) if isinstance(word, os.PathLike) else str(word) for word in command
        ]
        log = place.logs / f"{name.replace(' ', '-')}.log"
        return Program(name, words, environment, log=log, folder=place.root)

    return [
        program(
            WEB,
            [place.program("uvicorn"), "portal.config.asgi:application", "--host", HOST,
             "--port", port, "--timeout-graceful-shutdown", 3, "--no-access-log",
             "--no-server-header", "--lifespan", "off",
             "--http", "portal.platform.core.http_protocol:PatientProtocol"],
            site,
        ),
        program(
            "portal worker",
            [*celery, "portal.config.celery", "worker", "--queues", "portal", "--pool", "threads",
             "--concurrency", 8, *QUIET, "--loglevel", "INFO"],
            site,
        ),
        program(
            "beat",
            [*celery, "portal.config.celery", "beat", "--schedule", beat / "schedule",
             "--pidfile", "", "--loglevel", "WARNING"],
            site,
        ),
        program("inference worker", [*celery, "inference_workers", "worker", *QUIET], worker),
        program(
            ENGINE, [place.python, "-m", "inference_workers", "launch", deployment], worker
        ),
    ]  # fmt: skip
