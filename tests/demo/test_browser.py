from __future__ import annotations

from pathlib import Path

import pytest

from demo.browser import MISSING, ensure_browser, find_browser
from demo.terminal import RefusalError


def executable(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_browser_that_is_named_comes_first(tmp_path: Path) -> None:
    on_path, named = executable(tmp_path, "chromium"), executable(tmp_path, "my-browser")
    assert find_browser({"PATH": str(tmp_path)}) == on_path
    assert find_browser({"PATH": str(tmp_path), "CHROMIUM": str(named)}) == named


def test_a_missing_browser_fails_in_ci(tmp_path: Path) -> None:
    with pytest.raises(RefusalError) as refused:
        ensure_browser({"PATH": str(tmp_path), "CI": "true"})
    assert str(refused.value) == MISSING


def test_elsewhere_the_browser_tests_are_left_out_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_browser({"PATH": str(tmp_path)})
    assert capsys.readouterr().out == f"  Skipping the browser tests: {MISSING}\n"
