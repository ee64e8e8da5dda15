"""The first thing that `make` runs, with whatever Python the machine has.

    python3 -m demo.bootstrap site engine

Finds a Python that is new enough, then makes the named environments (see `demo.environments`).
Until the version is known, this file can use only syntax that every Python 3 understands.
"""

import os
import shutil
import sys

OLDEST = (3, 11)
NEWER = ("python3.11", "python3.12", "python3.13", "python3.14")

if sys.version_info < OLDEST:
    for name in NEWER:
        found = shutil.which(name)
        if found and os.environ.get("GATEHOUSE_PYTHON") != found:
            os.environ["GATEHOUSE_PYTHON"] = found
            os.execv(found, [found, "-m", "demo.bootstrap"] + sys.argv[1:])  # noqa: RUF005, S606
    sys.stderr.write(
        "Gatehouse needs Python 3.11 or newer, and %s is %d.%d. "  # noqa: UP031
        "Install one and give its path: make demo PYTHON=/path/to/python3.11\n"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
    sys.exit(2)

from demo.environments import main  # noqa: E402

main(sys.argv[1:])
