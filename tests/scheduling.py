"""Which tests of the parallel round share a process."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = "tests/engine_tools/"
"""Their files make checkpoints that all tests of a file read: made once instead of in each process.

By path, because xdist 3.8's `loadgroup` does nothing under pytest 9.2.
"""


class FilesTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Test by test, but those of one file below `TOGETHER` in one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(TOGETHER) else nodeid
