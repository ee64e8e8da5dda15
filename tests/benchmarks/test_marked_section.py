from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.marked_section import PERFORMANCE, replace_section, write_section
from demo.terminal import RefusalError

PAGE = """# Page
<!-- one:begin -->
old
<!-- one:end -->
between
<!-- two:begin -->
kept
<!-- two:end -->
"""


def test_only_the_named_section_changes(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(PAGE)

    write_section("one", "\nnew\nlines\n", page=file)

    assert file.read_text() == PAGE.replace("old", "new\nlines")


def test_a_section_written_twice_is_the_second() -> None:
    once = replace_section(PAGE, "two", "first")

    assert replace_section(once, "two", "kept") == PAGE


@pytest.mark.parametrize(
    "page",
    [
        "nothing",
        "<!-- one:end --><!-- one:begin -->",
        "<!-- one:begin -->",
        "<!-- one:begin --><!-- one:end --><!-- one:begin --><!-- one:end -->",
    ],
)
def test_a_page_without_one_such_place_is_refused(page: str) -> None:
    with pytest.raises(RefusalError) as caught:
        replace_section(page, "one", "body")
    assert str(caught.value) == (
        "the page must have <!-- one:begin --> and <!-- one:end --> once each, in this order"
    )


@pytest.mark.parametrize("name", ["bench", "gpu", "layer-shape-dummy", "layer-shape-real"])
def test_the_page_has_a_place_for_every_measurement(name: str) -> None:
    page = PERFORMANCE.read_text(encoding="utf-8")
    assert replace_section(page, name, f"only {name}").count(f"\nonly {name}\n") == 1
