"""PostgreSQL from the wheel starts again, however it ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from demo.services import postgres_is_running, start_postgres, stop_postgres


@pytest.fixture
def data(server_folder: Path) -> Iterator[Path]:
    folder = server_folder / "postgres"
    yield folder
    stop_postgres(folder)


def process_id(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n")[0])


def answers(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_it_starts_stops_and_starts_again(data: Path) -> None:
    assert answers(start_postgres(data))
    assert postgres_is_running(data)
    stop_postgres(data)
    assert not postgres_is_running(data)
    stop_postgres(data)
    assert answers(start_postgres(data))


def test_it_starts_after_it_was_killed(data: Path) -> None:
    start_postgres(data)
    os.kill(process_id(data), signal.SIGKILL)
    while postgres_is_running(data):
        pass
    assert answers(start_postgres(data))


def test_another_process_with_the_same_number_is_not_taken_for_it(data: Path) -> None:
    """As after a restart of the machine, or of a container, where numbers are small."""
    start_postgres(data)
    text = (data / "postmaster.pid").read_text()
    stop_postgres(data)
    lines = text.splitlines()
    lines[0] = str(os.getpid())
    (data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert not postgres_is_running(data)
    assert answers(start_postgres(data))
