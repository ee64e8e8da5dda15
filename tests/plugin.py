"""Starts the real parts that the tests run against, before Django reads its settings.

All test processes share PostgreSQL (each has its own database); every process has its own
Valkey, so that a test can kill it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from xdist.remote import Producer

from demo.services import Valkey, start_postgres, stop_postgres
from tests.scheduling import FilesTogether, put_slow_tests_first

ROOT = Path(__file__).resolve().parents[1]
POSTGRES_DIR = ROOT / "var" / "test" / "postgres"
FAST = "fsync=off\nsynchronous_commit=off\nfull_page_writes=off\nmax_connections=200\n"

_valkey: Valkey | None = None


def _is_controller() -> bool:
    return "PYTEST_XDIST_WORKER" not in os.environ


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    global _valkey  # noqa: PLW0603 -- pytest's hooks are module functions
    if _is_controller():
        # Parallel runs, each with a suffix, share the server but not the database.
        name = "gatehouse" + os.environ.get("PYTEST_DB_SUFFIX", "")
        server = os.environ["TEST_SERVER_URL"] = _start_fast_postgres()
        os.environ["TEST_DATABASE_URL"] = server.replace("/postgres?", f"/{name}?")
    _valkey = Valkey(Path(tempfile.mkdtemp(prefix="gatehouse-test-")), appendfsync="no")
    os.environ.update(
        DATABASE_URL=os.environ["TEST_DATABASE_URL"],
        REDIS_URL=_valkey.start(),
        SECRET_KEY="only-for-tests-" * 4,
        DEMO="1",
        # Decisions take effect immediately, except in the tests about their hold.
        DECISION_HOLD_SECONDS="0",
        SITE_URL="http://testserver",
        ALLOWED_HOSTS="localhost,127.0.0.1",
        LOG_LEVEL="WARNING",
        LOG_FORMAT="console",
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not _is_controller():
        put_slow_tests_first(items)


def pytest_unconfigure() -> None:
    if _valkey is not None:
        _valkey.kill()
        shutil.rmtree(_valkey.data_dir, ignore_errors=True)
    if _is_controller() and not _is_used_by_another_run():
        stop_postgres(POSTGRES_DIR)


def _is_used_by_another_run() -> bool:
    try:
        with psycopg.connect(os.environ["TEST_SERVER_URL"]) as database:
            others = database.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return others != (0,)


def running_valkey() -> Valkey:
    """The Valkey of this test process."""
    assert _valkey is not None
    return _valkey


def _start_fast_postgres() -> str:
    POSTGRES_DIR.mkdir(parents=True, exist_ok=True)
    url = start_postgres(POSTGRES_DIR)
    settings = POSTGRES_DIR / "postgresql.auto.conf"
    if FAST not in settings.read_text():
        with settings.open("a") as file:
            file.write(FAST)
        stop_postgres(POSTGRES_DIR)
        url = start_postgres(POSTGRES_DIR)
    return url
