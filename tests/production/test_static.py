"""Production's hashed static files: every name that a page or a style sheet uses exists."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.production.compose import ROOT

STATIC_TAG = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")
PRODUCTION = {
    "DATABASE_URL": "postgresql:///none",
    "REDIS_URL": "redis://none.invalid",
    "SITE_URL": "https://gatehouse.example.org",
    "SECRET_KEY": "0123456789" * 6,
    "DEMO": "0",
}
COLLECT = """
import sys, django
from django.conf import settings
settings.STATIC_ROOT = sys.argv[1]
django.setup()
from django.core.management import call_command
call_command("collectstatic", interactive=False, verbosity=0)
"""


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files as the web image holds them; fails if a style sheet names a missing file."""
    folder = tmp_path_factory.mktemp("static")
    subprocess.run(
        [sys.executable, "-c", COLLECT, os.fspath(folder)],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, "DJANGO_SETTINGS_MODULE": "portal.config.settings"},
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def manifest(collected: Path) -> dict[str, str]:
    paths: dict[str, str] = json.loads((collected / "staticfiles.json").read_text())["paths"]
    return paths


def templates() -> list[Path]:
    return [*ROOT.glob("templates/**/*.*"), *ROOT.glob("portal/**/templates/**/*.*")]


def test_every_static_file_of_a_template_is_collected(manifest: dict[str, str]) -> None:
    named = {name for file in templates() for name in STATIC_TAG.findall(file.read_text())}
    assert len(named) > 3
    assert named - set(manifest) == set()


def test_every_module_that_a_script_imports_is_collected(
    collected: Path, manifest: dict[str, str]
) -> None:
    """Names in `import` are not rewritten, so the plain file must be served too."""
    for name in manifest:
        if name.endswith(".js") and not name.startswith(("admin/", "vendored/")):
            text = (collected / name).read_text()
            for imported in re.findall(r"""from\s+["'](\.[^"']+)["']""", text):
                assert (collected / name).parent.joinpath(imported).is_file(), (name, imported)


def test_text_files_are_compressed_ahead(collected: Path, manifest: dict[str, str]) -> None:
    """The smallest are not, since they would not shrink."""
    large = [name for name in manifest if name.startswith("css/") and is_large(collected / name)]
    assert large != []
    assert [name for name in large if not (collected / f"{manifest[name]}.gz").is_file()] == []


def is_large(file: Path) -> bool:
    return file.stat().st_size > 1500
