"""Fetch a deployment's weights from its hub, so that the engine finds them in WEIGHTS_DIR.

The files come into a folder beside it, which is renamed when every file has the hash that the hub
lists: an engine never sees weights that are incomplete. A second launcher on the host waits.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

from httpx2 import TransportError
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError

from inference_workers.check.facts.weights import locate_weights
from inference_workers.check.machine import format_bytes
from inference_workers.check.weights_manifest import hash_weights
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.errors import LaunchError
from inference_workers.fetching.download import StoppedError, WrongContentError, fetch_file
from inference_workers.fetching.listing import HubFile, list_files
from inference_workers.logs import get_logger

TRIES: Final = 6
"""Failures in a row, none of which brought a byte."""
FIRST_WAIT_SECONDS: Final = 1.0
SPARE_BYTES: Final = 2**30
PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
Result = TypeVar("Result")
Wait = Callable[[float], bool]
"""Waits for so many seconds; True at once if the launcher must stop."""

log = get_logger(__name__)


def needs_fetching(settings: LauncherSettings, deployment: Deployment) -> bool:
    """Whether the weights are neither in their folder nor in the hub's cache, but on a hub."""
    if not deployment.hub or constants.HF_HUB_OFFLINE:
        return False
    return not locate_weights(settings, deployment).exists()


def fetch_weights(
    settings: LauncherSettings,
    deployment: Deployment,
    *,
    report: Callable[[str], None],
    wait: Wait,
) -> None:
    """Fetch the weights into their folder, or what is missing of an interrupted fetch.

    `report` gets the progress in words. Raises `LaunchError`, and `StoppedError` if `wait` says so.
    """
    folder = settings.weights_folder(deployment)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _turn(folder, report=report, wait=wait):
        if folder.exists():
            return
        fetcher = _Fetcher(deployment, report=report, wait=wait)
        commit, files = fetcher.try_often(lambda: list_files(deployment.hub, deployment.revision))
        staging = folder.with_name(f".{folder.name}@{commit[:12]}")
        _prepare(staging, files, deployment)
        fetcher.fetch(commit, files, staging)
        _require_hash(staging, deployment, report=report)
        staging.replace(folder)
        log.info("weights_fetched", hub=deployment.hub, commit=commit)


class _Fetcher:
    def __init__(
        self, deployment: Deployment, *, report: Callable[[str], None], wait: Wait
    ) -> None:
        self._deployment = deployment
        self._report = report
        self._wait = wait
        self._total = 0
        self._got = 0
        """Bytes of all files so far."""

    def fetch(self, commit: str, files: list[HubFile], staging: Path) -> None:
        self._total, done = sum(file.size for file in files), 0
        for file in files:
            note = partial(self._note, before=done)
            hub = self._deployment.hub
            self.try_often(partial(fetch_file, hub, commit, file, staging, note=note))
            done += file.size

    def _note(self, have: int, *, before: int) -> None:
        self._got = before + have
        shown = f"{format_bytes(self._got)} of {format_bytes(self._total)}"
        self._report(f"fetching the weights: {shown}")
        if self._wait(0):
            raise StoppedError

    def try_often(self, attempt: Callable[[], Result]) -> Result:
        """Repeat until it succeeds; raises `LaunchError` for what does not pass by itself."""
        failures, got = 0, self._got
        while True:
            try:
                return attempt()
            except (HfHubHTTPError, TransportError, WrongContentError, ConnectionError) as error:
                failures = failures + 1 if self._got <= got else 1
                got = self._got
                if failures >= TRIES or not _passes(error):
                    raise LaunchError(self._explain(error)) from error
                log.warning("weights_interrupted", cause=_name(error), failures=failures)
                if self._wait(FIRST_WAIT_SECONDS * 2 ** (failures - 1)):
                    raise StoppedError from error

    def _explain(self, error: Exception) -> str:
        return (
            f"the weights of {self._deployment.slug} cannot be fetched from "
            f"{constants.ENDPOINT}: {_name(error)}"
        )


@contextmanager
def _turn(folder: Path, *, report: Callable[[str], None], wait: Wait) -> Iterator[None]:
    """Hold the folder's lock; waits while another launcher of this host fetches into it."""
    descriptor = os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report("another launcher fetches the weights")
                if wait(FIRST_WAIT_SECONDS):
                    raise StoppedError from None
        yield
    finally:
        os.close(descriptor)


def _prepare(staging: Path, files: list[HubFile], deployment: Deployment) -> None:
    """Remove what was left of other commits, and see that the rest has room."""
    name = staging.name.rpartition("@")[0]
    for other in staging.parent.glob(f"{name}@*"):
        if other != staging:
            shutil.rmtree(other)
    staging.mkdir(exist_ok=True)
    have = sum(file.stat().st_size for file in staging.iterdir())
    need = sum(file.size for file in files) - have
    free = shutil.disk_usage(staging).free
    if free < need + SPARE_BYTES:
        raise LaunchError(
            f"the weights of {deployment.slug} need {format_bytes(need)} more, and "
            f"{staging.parent} has {format_bytes(free)} free"
        )


def _require_hash(staging: Path, deployment: Deployment, *, report: Callable[[str], None]) -> None:
    if not deployment.weights_sha256:
        return
    report("checking the weights")
    if hash_weights(staging) != deployment.weights_sha256:
        raise LaunchError(
            f"the weights of {deployment.slug} on {constants.ENDPOINT} are not those of "
            f"weights_sha256 in models.toml; they are in {staging}"
        )


def _passes(error: Exception) -> bool:
    if not isinstance(error, HfHubHTTPError):
        return True
    status = error.response.status_code
    return status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _name(error: Exception) -> str:
    """The hub's own sentence, if it sent one."""
    if isinstance(error, HfHubHTTPError):
        sentence = error.response.headers.get("X-Error-Message")
        return sentence or f"the hub answers {error.response.status_code}"
    return str(error) or type(error).__name__
