"""A database with every migration applied, which test processes and whole sites copy.

Applying them takes six seconds of a processor, copying the result a fifth of one. The template
stays on the tests' server until a migration or a pinned package changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.core.management import call_command
from django.db import connection

from tests.plugin import POSTGRES_DIR, ROOT

SOURCES = ("portal/**/migrations/*.py", "requirements/*.txt")


def find_template() -> str:
    """The template's name; the first process to ask makes it while the others wait."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        digest.update(path.read_bytes())
    name = f"migrated_{digest.hexdigest()[:16]}"
    with (POSTGRES_DIR.parent / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(os.environ["TEST_SERVER_URL"], autocommit=True) as server:
            rows = server.execute("SELECT datname FROM pg_database WHERE datname ~ '^migrated_'")
            found = {str(row[0]) for row in rows}
            if name not in found:
                for old in found:
                    server.execute(f'DROP DATABASE "{old}" WITH (FORCE)'.encode())
                _make_template(server, name)
    return name


def _make_template(server: psycopg.Connection, name: str) -> None:
    """Under another name first: a run that is killed leaves no half of a template."""
    begun = f"migrated_{os.getpid()}"
    server.execute(f'CREATE DATABASE "{begun}"'.encode())
    settings = connection.settings_dict
    kept, settings["NAME"] = settings["NAME"], begun
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one
        settings["NAME"] = kept
    server.execute(f'ALTER DATABASE "{begun}" RENAME TO "{name}"'.encode())


@contextmanager
def migrated_database(name: str, *, template: str) -> Iterator[str]:
    """The URL of a copy that a site of its own can use; dropped afterwards."""
    server_url = os.environ["TEST_SERVER_URL"]
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    yield server_url.replace("/postgres?", f"/{name}?")
    drop_database(name)


def drop_database(name: str, _verbosity: int = 0) -> None:
    """Drop a copy, even if a thread of a test's site is still connected to it."""
    with psycopg.connect(os.environ["TEST_SERVER_URL"], autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
