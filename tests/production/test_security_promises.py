"""Every promise of SECURITY.md has a test."""

from __future__ import annotations

import ast
import re

import pytest

from tests.production.compose import ROOT

PROMISES = [
    line.strip("|").rpartition("|")[::2]
    for line in (ROOT / "SECURITY.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| promise ")
]
NAME = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_there_are_promises() -> None:
    assert len(PROMISES) >= 20


@pytest.mark.parametrize(("promise", "tests"), PROMISES, ids=lambda text: text.strip()[:40])
def test_each_promise_names_tests_that_exist(promise: str, tests: str) -> None:
    named = NAME.findall(tests)
    assert ", ".join(f"`{path}::{name}`" for path, name in named) == tests.strip(), promise
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        functions = {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in functions, f"{path} has no {name}"
