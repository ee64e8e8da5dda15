"""The header `Range`: which bytes of a file a request wants (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import Final

from portal.library.weights.domain.fetching import Part
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

_RANGE: Final = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")


def read_range(header: str, *, size: int) -> Part | None:
    """The one range of `header`; None for the whole file.

    Several ranges and other units are ignored, as the RFC allows. Raises `DomainError` with code
    `range_not_satisfiable` for a range that begins behind the end.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        length = min(int(last), size)
        return _require(size - length, length, size=size)
    if last and int(last) < int(first):
        return None
    end = min(int(last), size - 1) if last else size - 1
    return _require(int(first), end - int(first) + 1, size=size)


def _require(first: int, length: int, *, size: int) -> Part:
    if first >= size or length <= 0:
        raise DomainError(
            RefusalCode.RANGE_NOT_SATISFIABLE, f"The file has only {size:,} bytes.", field="Range"
        )
    return Part(first, length)
