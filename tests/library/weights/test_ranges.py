"""The header `Range`, by hand."""

from __future__ import annotations

import pytest

from portal.library.weights.domain.fetching import Part
from portal.library.weights.hub.ranges import read_range
from portal.platform.core.errors import DomainError


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=0-9", Part(0, 10)),
        ("bytes=3-5", Part(3, 3)),
        ("bytes=9-9", Part(9, 1)),
        ("bytes=4-", Part(4, 6)),
        ("bytes=0-", Part(0, 10)),
        ("bytes=5-1000", Part(5, 5)),
        ("bytes=-3", Part(7, 3)),
        ("bytes=-10", Part(0, 10)),
        ("bytes=-1000", Part(0, 10)),
        ("bytes= 3 - 5", Part(3, 3)),
        # Ignored: the whole file.
        ("", None),
        ("bytes=-", None),
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("bytes=\u0663-", None),
    ],
)
def test_of_ten_bytes(header: str, part: Part | None) -> None:
    assert read_range(header, size=10) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=11-", "bytes=-0"])
def test_behind_the_end(header: str) -> None:
    with pytest.raises(DomainError) as refusal:
        read_range(header, size=10)

    assert (refusal.value.code, refusal.value.message) == (
        "range_not_satisfiable",
        "The file has only 10 bytes.",
    )


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1", "bytes=0-0"])
def test_an_empty_file_has_no_range(header: str) -> None:
    with pytest.raises(DomainError):
        read_range(header, size=0)
