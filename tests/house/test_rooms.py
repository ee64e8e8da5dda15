"""What import contracts cannot see: the names of a library that a package uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.plugin import ROOT

PORTAL = ROOT / "portal"
REQUEST_MODULES = ("django.http", "django.shortcuts", "django.views", "django.urls", "ninja")
ALLOWED = {"django.http.QueryDict", "django.urls.reverse", "django.urls.reverse_lazy"}
"""A dictionary and addresses, which do not depend on a request."""
WRITES = {
    "save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete",
}  # fmt: skip


def test_domain_knows_no_request() -> None:
    known = [
        f"{file.relative_to(ROOT)}: {name}"
        for folder in PORTAL.rglob("domain")
        for file in folder.rglob("*.py")
        for name in _imported_names(file)
        if name.startswith(REQUEST_MODULES) and name not in ALLOWED
    ]

    assert known == []


def test_no_view_writes_rows() -> None:
    """Except by a model form's own `save`, which checks the values."""
    files = [
        *PORTAL.rglob("views.py"),
        *PORTAL.rglob("*_views.py"),
        *(file for folder in PORTAL.rglob("views") for file in folder.rglob("*.py")),
        *PORTAL.glob("lab/api/routes/*.py"),
    ]
    writes = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for file in files
        for call in _calls_of_methods(file)
        if ast.unparse(call.func).rpartition(".")[2] in WRITES
        and ast.unparse(call.func) != "form.save"
        and not _is_decorator(file, call)
    ]

    assert len(files) > 50
    assert writes == []


def _imported_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _calls_of_methods(file: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def _is_decorator(file: Path, call: ast.Call) -> bool:
    """`@router.delete(...)` names a method of HTTP."""
    return file.read_text().splitlines()[call.lineno - 1].lstrip().startswith("@")
