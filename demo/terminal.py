"""What a person sees: steps with their time, and one clear line for an error."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130
QUIET_SECONDS = 15
"""Without a terminal to redraw, a long step prints a line this often."""


class RefusalError(Exception):
    """Something that the person must change; the text is the one line that they see."""


def say(line: str = "") -> None:
    print(line, flush=True)


@contextmanager
def step(label: str) -> Iterator[None]:
    """Show `label` while the block runs, and afterwards the time that it took."""
    started = time.monotonic()
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(label, started, done), daemon=True)
    ticker.start()
    try:
        yield
    except BaseException as error:
        done.set()
        ticker.join()
        end = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
        _draw(f"  {label} … {end}", end="\n")
        raise
    done.set()
    ticker.join()
    _draw(f"  {label} … {time.monotonic() - started:.1f} s", end="\n")


@contextmanager
def one_line_errors(*others: type[Exception]) -> Iterator[None]:
    """End the process with one line on a refusal or an interruption, without a traceback.

    `others` are further exceptions whose text is such a line.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except RefusalError as refusal:
        stop(str(refusal))
    except others as error:
        stop(str(error))
    except KeyboardInterrupt:
        say("Stopped.")
        raise SystemExit(EXIT_INTERRUPTED) from None
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        stop(f"{error.strerror or error}{place}.")


def stop(line: str) -> NoReturn:
    """Write one line to stderr and end with `EXIT_REFUSED`."""
    sys.stdout.flush()
    sys.stderr.write(f"Gatehouse: {line}\n")
    raise SystemExit(EXIT_REFUSED)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _tick(label: str, started: float, done: threading.Event) -> None:
    if sys.stdout.isatty():
        while not done.wait(0.2):
            _draw(f"  {label} … {time.monotonic() - started:.0f} s", end="")
        return
    while not done.wait(QUIET_SECONDS):
        say(f"  {label} … {time.monotonic() - started:.0f} s so far")


def _draw(text: str, *, end: str) -> None:
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    print(f"{clear}{text}", end=end, flush=True)
