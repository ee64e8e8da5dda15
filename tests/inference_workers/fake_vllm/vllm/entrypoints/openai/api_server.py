"""Replaces vLLM's server in the launcher's tests: same arguments, same endpoints, no model.

Like the real one it has a child that does the work, keeps its resources when the server is
killed, and outlives it. Its behaviour is set by files in the weights folder, so that a test can
change it between two starts:

    fail      write the file's text to stderr and exit with code 1
    deaf      do not respond
    hung      have a request forever and make no progress
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socketserver
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class Handler(BaseHTTPRequestHandler):
    weights: Path

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, b"")
        elif self.path == "/metrics":
            running = 1 if (self.weights / "hung").exists() else 0
            self.answer(200, f'vllm:num_requests_running{{engine="0"}} {running}.0\n'.encode())
        else:
            self.answer(404, b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length))
        with (self.weights / "requests.jsonl").open("a") as file:
            file.write(json.dumps({"path": self.path, **body}) + "\n")
        self.answer(200, b"{}")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def address_string(self) -> str:
        return "socket"


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--uds", required=True)
    options, _ = parser.parse_known_args()
    weights: Path = options.model
    environment = {
        name: os.environ.get(name)
        for name in ("REDIS_URL", "FAKE_VLLM", "UNWANTED", "HF_HUB_OFFLINE")
    }
    (weights / "started.json").write_text(json.dumps({"argv": sys.argv[1:], "env": environment}))
    if (weights / "fail").exists():
        sys.exit((weights / "fail").read_text())
    child = subprocess.Popen([sys.executable, "-c", CHILD])
    (weights / "child.pid").write_text(str(child.pid))
    if (weights / "deaf").exists():
        signal.pause()
    Handler.weights = weights

    def stop(*_: object) -> None:
        # The kernel can send the signal once for each thread of the launcher that ends.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child.kill()
        child.wait()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    with Server(options.uds, Handler) as server:
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
