"""What the terminal says about the site and its model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from demo.place import Place
from demo.watch import Watch
from inference_workers.contract import EngineState
from inference_workers.deployments import PACKAGED_MODELS_FILE, load_deployment
from inference_workers.engines.status import EngineStatus, write_status

SLUG = "smollm2-135m"
MEANWHILE = "The playground already accepts prompts."


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(var=tmp_path / "var")
    (made.sockets() / SLUG).mkdir()
    yield made
    for file in (made.sockets() / SLUG).iterdir():
        file.unlink()
    (made.sockets() / SLUG).rmdir()
    made.sockets().rmdir()


def watch_over(place: Place, url: str, announced: list[str]) -> Watch:
    deployment = load_deployment(PACKAGED_MODELS_FILE, SLUG)
    return Watch(
        place,
        url=url,
        deployment=deployment,
        has_own_postgres=False,
        announce=lambda: announced.append(url),
        start_the_rest=lambda: announced.append("the rest"),
    )


def tell(place: Place, state: EngineState, *, took: float | None = None, detail: str = "") -> None:
    now = datetime.now(UTC)
    status = EngineStatus(
        deployment=SLUG, state=state, since=now, updated_at=now, launcher_pid=1,
        last_start_seconds=took, detail=detail,
    )  # fmt: skip
    write_status(place.sockets() / SLUG / "status.json", status)


def test_the_site_is_announced_once(place: Place, site: str) -> None:
    announced: list[str] = []
    watch = watch_over(place, site, announced)
    watch()
    watch()
    assert announced == [site, "the rest"]


def test_a_site_that_does_not_answer_is_not_announced(place: Place) -> None:
    announced: list[str] = []
    watch = watch_over(place, "http://127.0.0.1:9", announced)
    watch()
    assert announced == []
    assert watch.answers is False


def test_the_rest_does_not_wait_for_ever(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.watch.HEAD_START_SECONDS", 0)
    announced: list[str] = []
    watch = watch_over(place, "http://127.0.0.1:9", announced)
    watch()
    watch()
    assert announced == ["the rest"]


def test_the_models_way_is_told(
    place: Place, site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(place, EngineState.DOWN, detail="what the last start left")
    watch = watch_over(place, site, [])
    watch()
    for state, took, detail in (
        (EngineState.STARTING, None, ""),
        (EngineState.READY, 41.0, ""),
        (EngineState.READY, 41.0, ""),
        (EngineState.DOWN, 41.0, "the engine ended; the machine does not have enough memory"),
        (EngineState.STARTING, 41.0, ""),
    ):
        tell(place, state, took=took, detail=detail)
        watch()
    expected = load_deployment(PACKAGED_MODELS_FILE, SLUG).expected_start_seconds
    assert capsys.readouterr().out.splitlines() == [
        f"  The model {SLUG} is starting, about {expected} s. {MEANWHILE}",
        f"  The model {SLUG} is ready, after 41 s.",
        f"  The model {SLUG} is down: the engine ended; the machine does not have enough memory.",
        f"  The model {SLUG} is starting again, about 41 s. {MEANWHILE}",
    ]
