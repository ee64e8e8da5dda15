"""`python -m benchmarks.console`: server time of the reviewers' queue with many applications.

Starts its own PostgreSQL and Valkey in a temporary folder, and measures in a child process whose
settings point there (`benchmarks.console_pages`). Its exit status is the child's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.services import Valkey, start_postgres, stop_postgres


def main() -> int:
    """Measure in a new database; the options are the child's."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-console-") as name:
        folder = Path(name)
        (folder / "postgres").mkdir()
        valkey = Valkey(folder / "valkey", appendfsync="no")
        url = start_postgres(folder / "postgres")
        try:
            environment = {
                **os.environ,
                "DATABASE_URL": url,
                "REDIS_URL": valkey.start(wipe=True),
                "SECRET_KEY": "only-for-measuring-" * 4,
                "DEMO": "1",
                "SITE_URL": "http://testserver",
                "LOG_LEVEL": "ERROR",
                "DJANGO_SETTINGS_MODULE": "portal.config.settings",
            }
            command = [sys.executable, "-m", "benchmarks.console_pages", *sys.argv[1:]]
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            valkey.kill()
            stop_postgres(folder / "postgres")


if __name__ == "__main__":
    raise SystemExit(main())
