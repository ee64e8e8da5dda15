"""Try mutants one after another, each in a fork of one pytest that has everything set up."""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from types import FrameType
from typing import Final, NoReturn

import pytest
from django.core.management import call_command
from django.db import connection, connections
from pytest_django.plugin import blocking_manager_key

from tests.mutation.installing import install
from tests.mutation.mutants import Mutant

CPU_SECONDS: Final = 5.0
"""For one test, beside what it takes unchanged: a mutant may loop forever."""
WALL_SECONDS: Final = 60.0
"""As above, for one that waits forever; other work of the machine is included."""


class OutOfTime(BaseException):
    """No `Exception`, or the code that is tried might catch it."""


class Trial:
    """Tests of one module, those first that have found most."""

    def __init__(self, session: pytest.Session, items: Sequence[pytest.Item]) -> None:
        self._session = session
        self._items = list(items)
        self._seconds: dict[str, float] = {}
        self._failed = False
        self._finds: dict[str, Counter[str]] = defaultdict(Counter)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed

    def run_unchanged(self) -> list[str]:
        """The tests that fail of themselves."""
        failed = []
        for item in self._items:
            before = time.monotonic()
            if not self._passes(item):
                failed.append(item.nodeid)
            self._seconds[item.nodeid] = time.monotonic() - before
        return failed

    def find_killer(self, mutants: Sequence[Mutant]) -> str | None:
        """The first test that fails with these in place, or None if they survive."""
        items = sorted(self._items, key=lambda item: self._rank(item, mutants[0].where))
        _close_connections()
        # What collecting garbage does not touch, parent and fork share.
        gc.freeze()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            self._run_changed(mutants, items, writing)
        os.close(writing)
        killer = self._wait_for(child, reading)
        if killer:
            self._finds[mutants[0].where][killer] += 1
            self._finds[""][killer] += 1
        return killer

    def _rank(self, item: pytest.Item, where: str) -> tuple[float, ...]:
        here, anywhere = self._finds[where][item.nodeid], self._finds[""][item.nodeid]
        return -here, -anywhere, self._seconds[item.nodeid]

    def _run_changed(
        self, mutants: Sequence[Mutant], items: Sequence[pytest.Item], writing: int
    ) -> NoReturn:
        try:
            for mutant in mutants:
                install(mutant)
            killer = next((item.nodeid for item in items if not self._passes(item)), "")
        except BaseException as error:  # noqa: BLE001 -- a fork must never continue as its parent
            killer = f"{type(error).__name__} while it was put in place"
        os.write(writing, killer.encode())
        os._exit(0)

    def _passes(self, item: pytest.Item) -> bool:
        self._failed = False
        allowed = 5 * self._seconds.get(item.nodeid, 60)
        signal.signal(signal.SIGPROF, _give_up)
        signal.signal(signal.SIGALRM, _give_up)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS + allowed, 1)
        signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS + allowed, 5)
        try:
            # After each test only what the session holds stays: the database above all.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=self._session)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        return not self._failed

    def _wait_for(self, child: int, reading: int) -> str | None:
        limit = 2 * WALL_SECONDS + 10 * sum(self._seconds.values())
        ready, _, _ = select.select([reading], [], [], limit)
        answer = os.read(reading, 10_000).decode() if ready else ""
        os.close(reading)
        if not ready:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not ready or status:
            # It had no time to tidy up after itself.
            with self._session.config.stash[blocking_manager_key].unblock():
                call_command("flush", interactive=False, verbosity=0)
            return answer or "its process ended"
        return answer or None


def _close_connections() -> None:
    """A fork opens its own; with its parent's it could only disturb it."""
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]  # missing in the stubs


def _give_up(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise OutOfTime
