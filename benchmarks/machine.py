"""Where and when a measurement was made."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.direct import litellm_version
from benchmarks.real_engine import engine_version


def describe_machine() -> str:
    """Date, processor, memory and versions in one sentence."""
    versions = [f"Python {platform.python_version()}"]
    for name, version in (("vLLM", engine_version()), ("LiteLLM", litellm_version())):
        versions += [f"{name} {version}"] if version else []
    return (
        f"{datetime.now(UTC):%d %B %Y}: {os.cpu_count()} cores ({_processor()}), "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory, {', '.join(versions)}"
    )


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
