"""The site's handle on one compiling process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

PROCESS: Final = Path(__file__).with_name("process.py")


class CompilerDiedError(Exception):
    """The process ended while it compiled a structure; the caller may start another."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ended with {code}")
        self.ran_out_of_time = code == -signal.SIGPROF
        self.was_ended = code == -signal.SIGKILL


class Child:
    """For one thread at a time. Started at the first request, and again after the process ended."""

    def __init__(self, *, cpu_seconds: float, wall_seconds: float) -> None:
        self._cpu_seconds = cpu_seconds
        self._wall_seconds = wall_seconds
        self._process: subprocess.Popen[str] | None = None

    def ask(self, line: str) -> str:
        """The process's answer to a line; raises `CompilerDiedError`."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101 -- for the types: they are pipes
        assert process.stdout is not None  # noqa: S101
        patience = threading.Timer(self._wall_seconds, process.kill)
        patience.start()
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            patience.cancel()
        if not answer:
            raise CompilerDiedError(self.close())
        return answer

    def close(self) -> int:
        """End the process, if there is one; return its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        with process:
            if process.stdin is not None:
                # Closing flushes the buffer again, which fails if the process has ended.
                with suppress(BrokenPipeError):
                    process.stdin.close()
        return process.returncode

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", str(PROCESS), str(self._cpu_seconds)]
        return subprocess.Popen(  # noqa: S603 -- our own file
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            text=True,
        )
