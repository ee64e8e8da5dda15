"""`python -m inference_workers COMMAND`; without a command's name, `launch`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

COMMANDS: Mapping[str, str] = {
    "launch": "inference_workers.launcher",
    "check": "inference_workers.check.command",
}
"""Modules with a `main(arguments)`, imported only when asked for."""


def main(arguments: Sequence[str]) -> None:
    name, rest = (
        (arguments[0], arguments[1:])
        if arguments and arguments[0] in COMMANDS
        else ("launch", arguments)
    )
    run: Callable[[Sequence[str]], None] = import_module(COMMANDS[name]).main
    run(rest)


if __name__ == "__main__":
    main(sys.argv[1:])
