"""A release folder with a logbook, of which tests change one file."""

from __future__ import annotations

from pathlib import Path

LOGBOOK = """\
release = "tiny"
audience = "everyone"
authors = ["Ada Byron"]

[[run]]
slug = "tiny-1"
name = "Tiny, run 1"
started = 2026-03-01T00:00:00Z
ended = 2026-03-01T02:00:00Z

[run.units]
loss = "nats"

[[run]]
slug = "tiny-2"
name = "Tiny, run 2"
parent = "tiny-1"
from_step = 20
started = 2026-03-01T03:00:00Z
"""
ENTRY = """\
+++
title = "The loss explodes"
time = 2026-03-01T01:00:00Z
kind = "spike"
run = "tiny-1"
step = 30
source = "Notes of the team"
source_url = "https://example.org/notes"
+++

It rose to **9.5**, and did not come back.
"""
METRICS = """\
step,tokens,time,loss,lr
10,1000,2026-03-01T00:10:00Z,5.25,0.1
20,2000,2026-03-01T00:20:00Z,4.5,
30,3000,2026-03-01T01:00:00Z,nan,0.1
"""
RESTARTED = """\
step,tokens,time,metric,value
21,2100,1772334600,loss,4.25
30,3000,1772334700,loss,4
"""
FILES = {
    "logbook.toml": LOGBOOK,
    "entries/the-loss-explodes.md": ENTRY,
    "metrics/tiny-1/train.csv": METRICS,
    "metrics/tiny-2/train.csv": RESTARTED,
}


def write_folder(folder: Path) -> Path:
    """Write the logbook of two runs into a release folder, and return the folder."""
    for name, text in FILES.items():
        path = folder / "logbook" / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def change(folder: Path, name: str, old: str, new: str) -> Path:
    """Replace a text that the file has once; return the file."""
    path = folder / "logbook" / "tiny" / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return path
