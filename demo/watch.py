"""What the terminal says while the site runs: it responds, the model is ready, a program died."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.error import URLError
from urllib.request import urlopen

from demo.place import Place
from demo.services import postgres_is_running
from demo.start import start_own_postgres
from demo.terminal import RefusalError, say
from inference_workers.contract import EngineState
from inference_workers.deployments import Deployment
from inference_workers.engines.status import read_status

DATABASE_CHECK_SECONDS = 2
HEAD_START_SECONDS = 10
"""The web process has the processors to itself until it responds, but no longer than this."""
SLOW_SECONDS = 60


class Watch:
    """Checks the running site, a little at each call."""

    def __init__(
        self,
        place: Place,
        *,
        url: str,
        deployment: Deployment,
        has_own_postgres: bool,
        announce: Callable[[], None],
        start_the_rest: Callable[[], None],
    ) -> None:
        self._place = place
        self._url = url
        self._deployment = deployment
        self._has_own_postgres = has_own_postgres
        self._announce = announce
        self._start_the_rest = start_the_rest
        self._rest_is_started = False
        self._answers = False
        self._said_slow = False
        self._engine: EngineState | None = None
        self._started_at = time.monotonic()
        self._began = datetime.now(UTC)
        self._database_checked_at = time.monotonic()

    @property
    def answers(self) -> bool:
        """Whether the site has responded once."""
        return self._answers

    def __call__(self) -> None:
        if not self._answers:
            self._look_for_the_site()
        if not self._rest_is_started and (self._answers or self._waited() > HEAD_START_SECONDS):
            self._rest_is_started = True
            self._start_the_rest()
        if self._answers:
            self._look_at_the_engine()
        if self._has_own_postgres:
            self._look_at_the_database()

    def _waited(self) -> float:
        return time.monotonic() - self._started_at

    def _look_for_the_site(self) -> None:
        if _site_answers(self._url):
            self._answers = True
            self._announce()
        elif not self._said_slow and self._waited() > SLOW_SECONDS:
            self._said_slow = True
            say(f"  The site does not respond yet; see {self._place.logs / 'web.log'}")

    def _look_at_the_engine(self) -> None:
        status = read_status(self._place.sockets() / self._deployment.slug / "status.json")
        if status is None or status.updated_at < self._began or status.state is self._engine:
            return
        was, self._engine = self._engine, status.state
        name = self._deployment.slug
        if status.state is EngineState.READY:
            seconds = (
                f", after {status.last_start_seconds:.0f} s" if status.last_start_seconds else ""
            )
            say(f"  The model {name} is ready{seconds}.")
        elif status.state is EngineState.STARTING:
            expected = status.last_start_seconds or self._deployment.expected_start_seconds
            say(
                f"  The model {name} is starting{' again' if was else ''}, about {expected:.0f} s. "
                "The playground already accepts prompts."
            )
        else:
            say(f"  The model {name} is down{f': {status.detail}' if status.detail else ''}.")

    def _look_at_the_database(self) -> None:
        if time.monotonic() - self._database_checked_at < DATABASE_CHECK_SECONDS:
            return
        self._database_checked_at = time.monotonic()
        if postgres_is_running(self._place.postgres):
            return
        say("  PostgreSQL has ended. Starting it again.")
        try:
            start_own_postgres(self._place)
        except RefusalError as refusal:
            say(f"  {refusal}")


def _site_answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/healthz", timeout=1) as answer:  # noqa: S310 -- our own address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
