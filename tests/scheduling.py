"""Which tests of the parallel round share a process, and which come first.

By path, because xdist 3.8's `loadgroup` does nothing under pytest 9.2.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/engine_tools/", "tests/walker/")
IN_BROWSER = "_in_browser.py"


class FilesTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests one by one, except that the tests of some files share a process.

    These files share something slow to make: checkpoints, the walker's cast, browsers.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(TOGETHER) or file.endswith(IN_BROWSER) else nodeid


def put_slow_tests_first(tests: list[pytest.Item]) -> None:
    """So that at the end no process waits for another's long test."""
    tests.sort(key=lambda test: test.get_closest_marker("slow") is None)
