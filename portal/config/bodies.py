"""How large and how slow request bodies may be."""

from __future__ import annotations

from typing import Final

from portal.platform.core.request_bodies import BodyLimit

MIB: Final = 2**20
SHORTEN: Final = "Shorten what you wrote."


def limit_bodies(*, batch_file_mb: int) -> tuple[tuple[str, BodyLimit], ...]:
    """Limits by path prefix; the first match counts. An uploaded file has a form around it."""
    upload = BodyLimit(
        bytes=batch_file_mb * 1_000_000 + MIB,
        seconds=600,
        at_once=4,
        way_out="Split the file into several.",
    )
    api = BodyLimit(
        bytes=8 * MIB, seconds=60, at_once=64, way_out="Split it, or send it as a batch."
    )
    imported = BodyLimit(
        bytes=16 * MIB, seconds=120, at_once=4, way_out="Split the file into several."
    )
    return (
        ("/v1/files", upload),
        ("/v1/", api),
        ("/account/", BodyLimit(bytes=2**16, seconds=20, at_once=256, way_out=SHORTEN)),
        ("/playground/imports/", imported),
        # A long prompt in a form may take nine bytes a character.
        ("/playground/", BodyLimit(bytes=8 * MIB, seconds=60, at_once=64, way_out=SHORTEN)),
        ("/", BodyLimit(bytes=MIB, seconds=30, at_once=256, way_out=SHORTEN)),
    )
