"""The browser that the tests drive."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from demo.terminal import RefusalError, say, step

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "the browser tests need Chromium. Install it (on Debian: apt install chromium), "
    "or give the path to one: CHROMIUM=/path/to/chromium."
)


def find_browser(environment: Mapping[str, str]) -> Path | None:
    """The browser named by `CHROMIUM`, or the first one on the path."""
    path = environment.get("PATH")
    for name in filter(None, (environment.get("CHROMIUM"), *NAMES)):
        if found := shutil.which(name, path=path):
            return Path(found)
    return None


def ensure_browser(environment: Mapping[str, str]) -> None:
    """Find a browser, or install Debian's if that is allowed.

    Raises `RefusalError` in CI if there is none; elsewhere prints that the browser tests are
    skipped.
    """
    if find_browser(environment):
        return
    if os.geteuid() == 0 and shutil.which("apt-get", path=environment.get("PATH")):
        with step("Installing chromium with apt"):
            quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
            for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
                subprocess.run(
                    ["apt-get", "-qq", *command], env=quiet, stdin=subprocess.DEVNULL,
                    capture_output=True, check=False,
                )  # fmt: skip
        if find_browser(environment):
            return
    if environment.get("CI") == "true":
        raise RefusalError(MISSING)
    say(f"  Skipping the browser tests: {MISSING}")
