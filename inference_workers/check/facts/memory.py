"""The memory of the host, or of the container if that is less."""

from __future__ import annotations

import re
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def read_memory(meminfo: Path = MEMINFO, *, cgroup: Path = CGROUP) -> tuple[int, int]:
    """Total bytes, and bytes available now."""
    lines = dict(re.findall(r"^(\w+):\s+(\d+) kB$", _read(meminfo), re.MULTILINE))
    total = int(lines.get("MemTotal", 0)) * 1024
    available = int(lines.get("MemAvailable", 0)) * 1024
    limit, used = _read(cgroup / "memory.max").strip(), _read(cgroup / "memory.current").strip()
    if limit.isdigit():
        total = min(total, int(limit))
        if used.isdigit():
            available = min(available, int(limit) - int(used))
    return total, max(0, available)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
