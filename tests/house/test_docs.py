"""The things that the docs name exist."""

from __future__ import annotations

import re

from tests.plugin import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|md|txt|toml|html|js|css))(?:::\w+)?`")
MODULE = re.compile(r"`((?:portal|inference_workers|tests|capacity|demo|benchmarks)(?:\.\w+)+)`")


def test_every_file_that_a_page_names_is_there() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in PATH.findall(page.read_text(encoding="utf-8"))
        if not any((folder / name).exists() for folder in (ROOT, ROOT / "portal", page.parent))
    ]

    assert len(PAGES) > 50
    assert missing == []


def test_every_module_that_a_page_names_is_there() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in MODULE.findall(page.read_text(encoding="utf-8"))
        if not _is_module(name) and not _is_module(name.rpartition(".")[0])
    ]

    assert missing == []


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()
