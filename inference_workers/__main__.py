"""`python -m inference_workers COMMAND …`: each command has its own module."""

from __future__ import annotations

import sys
from importlib import import_module

from inference_workers.errors import EXIT_CONFIGURATION, stop_process

COMMANDS = {
    "launch": "inference_workers.launcher.launch",
    "fetch": "inference_workers.fetching.command",
    "check": "inference_workers.check.command",
    "plan": "inference_workers.planner.cli",
}
"""Modules with a `main(arguments)`, imported only when needed."""


def main(arguments: list[str]) -> None:
    """Hand the rest of the line to the command's `main`."""
    if not arguments or arguments[0] not in COMMANDS:
        given = f", not {arguments[0]!r}" if arguments else ""
        stop_process(
            f"COMMAND must be one of {', '.join(COMMANDS)}{given}", code=EXIT_CONFIGURATION
        )
    import_module(COMMANDS[arguments[0]]).main(arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
