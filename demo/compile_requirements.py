"""`python -m demo.compile_requirements`: pin requirements/*.in into *.txt.

The development set comes first and constrains the site's, so that one `.venv` can hold all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from demo.environments import ROOT, SITE
from demo.package_index import read_pip_settings, uv_environment

OLDEST_PYTHON = "3.11"
SETS: dict[str, tuple[str, ...]] = {
    "dev": (),
    "web": ("--constraint", "requirements/dev.txt"),
    "parquet": ("--constraint", "requirements/dev.txt"),
    "worker": ("--constraint", "requirements/dev.txt"),
    "demo": ("--constraint", "requirements/dev.txt"),
    "engine-cpu": ("--override", "requirements/engine-cpu-overrides.txt"),
    "litellm": (),
    "clients": (
        "--override=requirements/engine-cpu-overrides.txt",
        "--override=requirements/clients-overrides.txt",
    ),
    "old-hub": (),
}


def main(words: list[str]) -> None:
    """Compile every set; `words` are passed on, such as `--upgrade-package django`."""
    environment = uv_environment(read_pip_settings(), os.environ)
    for name, options in SETS.items():
        command: list[str | Path] = [
            SITE.python.with_name("uv"), "pip", "compile", "--quiet", "--no-header",
            "--no-emit-index-url", "--no-emit-find-links", "--annotation-style", "line",
            "--python-version", OLDEST_PYTHON, *options, *words,
            "--output-file", f"requirements/{name}.txt", f"requirements/{name}.in",
        ]  # fmt: skip
        done = subprocess.run(command, env=environment, cwd=ROOT, check=False)
        if done.returncode:
            raise SystemExit(done.returncode)
        drop_local_versions(ROOT / "requirements" / f"{name}.txt")


def drop_local_versions(file: Path) -> None:
    """Pin torch's version only: the installation chooses the build."""
    file.write_text(re.sub(r"^(torch==[\d.]+)\+cpu", r"\1", file.read_text(), flags=re.MULTILINE))


if __name__ == "__main__":
    main(sys.argv[1:])
