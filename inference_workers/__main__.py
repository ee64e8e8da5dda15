"""`python -m inference_workers launch DEPLOYMENT`."""

from __future__ import annotations

import sys

from inference_workers.launcher import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["launch"]:
        arguments = arguments[1:]
    main(arguments)
