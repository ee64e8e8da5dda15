"""`python -m demo.reset`: remove the demo's state, keep the weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from demo.place import Place
from demo.preflight import hold_demo_lock
from demo.services import stop_postgres
from demo.terminal import one_line_errors, say

KEPT = frozenset({"weights", "demo.lock"})


def main() -> None:
    """Remove everything in `var/` but the models; refuses while the demo runs."""
    with one_line_errors():
        place = Place.from_environment(os.environ)
        with hold_demo_lock(place.var, note="it is being reset"):
            reset(place)
        say(f"Removed the demo's state; kept {place.weights} (make clean removes it).")


def reset(place: Place) -> None:
    """Stop servers that a killed demo left running, then remove its state."""
    for data in (place.postgres, place.var / "test" / "postgres"):
        stop_postgres(data)
    shutil.rmtree(place.sockets(), ignore_errors=True)
    for entry in place.var.iterdir():
        if entry.name not in KEPT:
            _remove(entry)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


if __name__ == "__main__":
    main()
