"""Checks before a long start for anything that would make it fail."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

from inference_workers.check.facts.gather import gather
from inference_workers.check.run import find_problems, run_checks
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.errors import LaunchError

FREE_BYTES_NEEDED = 100 * 2**20
LOG_TAIL_BYTES = 64 * 2**10
FIND_VLLM = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm') is None)"
KNOWN_CAUSES = (
    (r"No space left on device", "the disk is full"),
    (r"No module named '?vllm", "vLLM is not installed"),
    (r"CUDA out of memory|OutOfMemoryError", "the GPU does not have enough memory"),
    (r"Free memory on device .* is less than", "another process uses the GPU's memory"),
    (r"Cannot allocate memory|MemoryError", "the machine does not have enough memory"),
    (r"is not a (?:local folder|valid model identifier)", "the hub does not know the weights"),
    (r"We couldn't connect to|Cannot send a request|offline mode", "the hub cannot be reached"),
    (r"Address already in use", "the socket is taken"),
)
# An exception's own line, after the prefixes of vLLM's processes and loggers.
RAISED = re.compile(
    r"^(?:\([^)]*\) )?(?:ERROR [^\]]*\] )?((?:\w+\.)*\w*(?:Error|Exception): .+)$", re.MULTILINE
)


def prepare_directory(folder: Path) -> None:
    """Create the engine's folder with mode 0700; raises `LaunchError` if this fails."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise LaunchError(f"{folder} cannot be created: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LaunchError(f"{folder} is not writable")
    if shutil.disk_usage(folder).free < FREE_BYTES_NEEDED:
        raise LaunchError(f"the disk of {folder} is full: less than 100 MB are free")


def check_interpreter(settings: LauncherSettings) -> None:
    """Raise `LaunchError` unless ENGINE_PYTHON exists and has vLLM."""
    python = os.fspath(settings.engine_python)
    try:
        done = subprocess.run(  # noqa: S603 -- our own code, run by the operator's interpreter
            [python, "-c", FIND_VLLM], check=False, timeout=60, capture_output=True
        )
    except OSError as error:
        raise LaunchError(f"ENGINE_PYTHON: {python} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise LaunchError(f"vLLM is not installed for ENGINE_PYTHON={python}")


def check_machine(settings: LauncherSettings, deployment: Deployment) -> None:
    """Raise `LaunchError` with the first problem that certainly prevents a start here."""
    machine = gather(settings, deployment, ask_hub=False)
    problems = find_problems(run_checks(deployment, machine))
    if problems:
        raise LaunchError(
            f"{deployment.slug} cannot run here: {problems[0].sentence} (more: python -m "
            f"inference_workers check {deployment.slug})"
        )


def remove_stale_socket(socket: Path) -> None:
    """Remove the socket of a previous server; vLLM would refuse to bind to it."""
    try:
        socket.unlink(missing_ok=True)
    except OSError as error:
        raise LaunchError(f"the old socket {socket} cannot be removed: {error.strerror}") from error


def explain_failure(log: Path) -> str:
    """The likely cause of an engine's end, from the end of its log."""
    tail = _read_tail(log)
    for pattern, cause in KNOWN_CAUSES:
        if re.search(pattern, tail):
            return cause
    errors = RAISED.findall(tail)
    return errors[-1][:200] if errors else "no cause found in its log"


def name_os_error(error: OSError) -> str:
    """The error's text: "the disk is full", or the system's own message."""
    return "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)


def _read_tail(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            return stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
