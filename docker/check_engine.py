"""Health check of an engine's container: does vLLM respond on its Unix socket?"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

SECONDS = 4
REQUEST = b"GET /health HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n"


def is_healthy(address: Path) -> bool:
    """Return whether the engine responds with 200; raise `OSError` if nothing listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(os.fspath(address))
        connection.sendall(REQUEST)
        return connection.recv(64).split(b" ")[1:2] == [b"200"]


if __name__ == "__main__":
    folder = Path(os.environ["ENGINE_DIR"]) / os.environ["DEPLOYMENT"]
    sys.exit(0 if is_healthy(folder / "engine.sock") else 1)
