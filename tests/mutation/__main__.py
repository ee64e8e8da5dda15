"""`python -m tests.mutation [word ...]`: change the code, and see whether the tests notice.

Words are modules of `targets.py` by the end of their names, as `fairness`, or beginnings of
mutants' names, as `fairness.choose`; without any it takes all.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

import pytest

from tests.mutation.targets import TARGETS

OPTIONS = ("-q", "--no-header", "-p", "no:cacheprovider", "-m", "not engine and not browser")


class Loop:
    """Mutation in the place of pytest's own loop, when all is imported that it needs."""

    def __init__(self, modules: list[str], words: list[str], out: TextIO) -> None:
        self.complaints: list[str] = []
        self._modules = modules
        self._words = words
        self._out = out

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        # The same examples every time, or the list of survivors would hold on some days only.
        settings.register_profile(
            "mutation", derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate]
        )
        settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        from tests.mutation.loop import Mutation

        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        session.config.pluginmanager.unregister(name="terminalreporter")
        self.complaints = Mutation(session, self._words, self._out).try_modules(self._modules)
        return True


def main(words: list[str]) -> None:
    """Try every mutant of the modules; fails unless exactly the explained ones survive."""
    wanted = {word.partition(".")[0] for word in words}
    modules = [name for name in TARGETS if not words or name.rpartition(".")[2] in wanted]
    if not modules:
        raise SystemExit(f"One of {', '.join(name.rpartition('.')[2] for name in TARGETS)}.")
    # Side by side with `make test`, on a database of its own.
    os.environ.setdefault("PYTEST_DB_SUFFIX", "_mutation")
    paths = {path for name in modules for path in TARGETS[name].tests}
    # Pytest captures the other one.
    with os.fdopen(os.dup(1), "w", buffering=1) as out:
        loop = Loop(modules, words, out)
        status = pytest.main([*OPTIONS, *sorted(paths)], plugins=[loop])
    raise SystemExit(1 if loop.complaints else status)


if __name__ == "__main__":
    main(sys.argv[1:])
