"""A child process that measures in a database of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.services import Valkey, start_postgres, stop_postgres


def run_with_own_database(module: str) -> int:
    """Run the module with this process's options and a new database; return its exit status."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-measure-") as name:
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
            command = [sys.executable, "-m", module, *sys.argv[1:]]
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            valkey.kill()
            stop_postgres(folder / "postgres")
