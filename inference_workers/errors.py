"""Errors that end a process with one line instead of a traceback."""

from __future__ import annotations

import sys
from typing import NoReturn

EXIT_CONFIGURATION = 2
EXIT_FAILURE = 1


class ConfigurationError(Exception):
    """A setting is wrong; the text names the setting and the way out."""


class LaunchError(Exception):
    """The engine cannot be started here; the text names the cause and the way out."""


def stop_process(line: str, *, code: int) -> NoReturn:
    """Write one line to stderr and end the process with `code`."""
    sys.stderr.write(f"inference_workers: {line}\n")
    sys.stderr.flush()
    raise SystemExit(code)
