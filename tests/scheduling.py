"""Which tests of the parallel round share a process."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = "tests/engine_tools/"
"""Their files make checkpoints that all tests of a file read: once instead of in each process.

By path, because xdist 3.8's `loadgroup` does nothing under pytest 9.2.
"""


class FilesTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests one by one, except that the tests of a file below `TOGETHER` share a process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(TOGETHER) else nodeid
