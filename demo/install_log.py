"""Why an installation failed, in one line."""

from __future__ import annotations

import re
from pathlib import Path

CAUSES = (
    (
        r"No space left on device|os error 28|Disk quota exceeded",
        "the disk is full. Free some space and run this again; it continues where it stopped.",
    ),
    (
        r"ensurepip is not available|No module named (venv|ensurepip)",
        "this Python lacks its venv module. Install it (on Debian: apt install python3-venv).",
    ),
    (
        (
            r"dns error|Could not resolve host|[Ff]ailed to (lookup|establish|connect)"
            r"|tcp connect error|Connection refused|error sending request|Network is unreachable"
            r"|client error \(Connect\)|operation timed out|Temporary failure in name resolution"
            r"|NewConnectionError|ConnectTimeout"
        ),
        "the package index cannot be reached. Check the network, or set PIP_INDEX_URL.",
    ),
)
MISSING = (
    r"Because (?:there is no version of |there are no versions of )?([\w.-]+==[\w.+-]+)",
    r"Because ([\w.-]+) was not found",
    r"Because ([\w.-]+==[\w.+-]+) has no wheels",
    r"No matching distribution found for (\S+)",
)


def explain_failure(log: Path) -> str:
    """One sentence about the failure in pip's or uv's log, with the cause if it is a known one."""
    text = log.read_text(errors="replace")
    for pattern, line in CAUSES:
        if re.search(pattern, text):
            return line
    # uv wraps its reasons at the width of a terminal.
    joined = " ".join(text.split())
    for pattern in MISSING:
        if match := re.search(pattern, joined):
            return (
                f"the package index has no {match[1].strip('.,')} for this machine and Python. "
                f"See {log} for the full reason."
            )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"the installation failed ({lines[-1] if lines else 'no output'}). See {log}."
