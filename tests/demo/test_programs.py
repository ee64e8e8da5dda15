"""Which environment variables each process of the demo gets, and which not."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.place import Place
from demo.programs import site_environment, site_programs, worker_environment


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(var=tmp_path, weights=tmp_path / "weights")


@pytest.fixture
def site(place: Place) -> dict[str, str]:
    shell = {"PATH": "/bin", "SECRET_KEY_FILE": "/run/other", "SITE_URL": "https://other.example"}
    return site_environment(
        place, shell, port=8123, database_url="postgresql:///x", redis_url="unix:///v.sock"
    )


def test_the_demo_decides_over_the_shell(site: dict[str, str]) -> None:
    assert site["SITE_URL"] == "http://127.0.0.1:8123"
    assert site["DEMO"] == "1"
    assert "SECRET_KEY_FILE" not in site


def test_workers_get_no_credentials_of_the_portal(place: Place, site: dict[str, str]) -> None:
    worker = worker_environment(place, site, deployment="smollm2-135m")
    assert set(site) - set(worker) == {"DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
    assert worker["DEPLOYMENT"] == "smollm2-135m"
    assert worker["WEIGHTS_DIR"] == str(place.weights)


def test_the_site_starts_before_the_engine(place: Place, site: dict[str, str]) -> None:
    worker = worker_environment(place, site, deployment="smollm2-135m")
    programs = site_programs(place, site, worker, port=8123, deployment="smollm2-135m")
    assert [program.name for program in programs] == [
        "web",
        "portal worker",
        "beat",
        "inference worker",
        "engine",
    ]
    assert {program.name for program in programs if "DATABASE_URL" in program.environment} == {
        "web",
        "portal worker",
        "beat",
    }
    assert {program.log.name for program in programs} == {
        "web.log",
        "portal-worker.log",
        "beat.log",
        "inference-worker.log",
        "engine.log",
    }
