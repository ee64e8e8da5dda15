"""`python -m tests.lint`: style, types, the direction of imports, migrations, settings.

Every check runs even if an earlier one fails, so that one run shows all problems.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from demo.services import start_postgres, stop_postgres

ROOT = Path(__file__).resolve().parents[1]
DATABASE = ROOT / "var" / "lint" / "postgres"
PRODUCTION = {
    "SITE_URL": "https://gatehouse.example.org",
    "SECRET_KEY": "for-the-checks-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "REDIS_URL": "redis://redis.example.org:6379/0",
    "TRUSTED_PROXIES": "1",
    "EMAIL_HOST": "mail.example.org",
    "DJANGO_SETTINGS_MODULE": "portal.config.settings",
    "PYTHONPATH": os.fspath(ROOT),
}
MANAGE = ("python", "manage.py")
FOLDERS = (
    "docs", "templates", "static/js", "portal", "inference_workers", "capacity", "tracing",
    "engine_tools", "demo", "benchmarks", "tests",
)  # fmt: skip
SENTENCES = "md,html,txt,py,js"
"""Files with sentences that a person reads; `docs/prose.yml` lists what they must not say."""
CHECKS: Mapping[str, tuple[str, ...]] = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy --strict": ("mypy",),
    "imports": ("lint-imports",),
    "tools from npm": ("npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"),
    "JavaScript's types": ("npx", "tsc", "--project", "."),
    "JavaScript's style": ("npx", "eslint", "."),
    "prose": ("npx", "textlint", "*.md", *(f"{folder}/**/*.{{{SENTENCES}}}" for folder in FOLDERS)),
    "templates": ("djlint", "--lint", "--quiet", "templates", "portal"),
    "migrations": (*MANAGE, "makemigrations", "--check", "--dry-run"),
    "production settings": (*MANAGE, "check", "--deploy", "--fail-level", "WARNING"),
}


def main() -> None:
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    url = start_postgres(DATABASE)
    try:
        failed = [name for name, command in CHECKS.items() if not _passes(name, command, url=url)]
    finally:
        stop_postgres(DATABASE)
    print(f"\n{len(CHECKS) - len(failed)} checks passed, {len(failed)} failed", *failed, sep="\n  ")
    raise SystemExit(1 if failed else 0)


def _passes(name: str, command: tuple[str, ...], *, url: str) -> bool:
    print(f"\n== {name}", flush=True)
    programs = Path(sys.executable).parent
    # Node's programs look for `node`.
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **PRODUCTION, "DATABASE_URL": url, "PATH": path}
    for variable in ("DEMO", "DEBUG"):
        environment.pop(variable, None)
    done = subprocess.run(
        [programs / command[0], *command[1:]], cwd=ROOT, env=environment,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.returncode == 0


if __name__ == "__main__":
    main()
