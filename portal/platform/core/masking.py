"""Keeps secrets in addresses out of the logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from structlog.typing import EventDict, WrappedLogger

MASK: Final = "[masked]"
SECRET_AFTER: Final = (
    "/account/confirm-email/",
    "/account/password/reset/key/",
    "/hub/links/",
    "/join/",
    "/shared-runs/",
    "/verify/",
    "/vouch/",
)
"""Path prefixes that a secret follows, possibly after the number of a row."""

_PLAIN: Final = (bool, int, float, type(None))
_BEGINNINGS: Final = "|".join(
    "/+" + "/+".join(map(re.escape, beginning.strip("/").split("/"))) for beginning in SECRET_AFTER
)
# To the end of the line: a mangled link may still hold the whole secret.
_SECRET: Final = re.compile(
    rf"((?:{_BEGINNINGS})/+(?:[0-9]+/+)?)(?:(?! HTTP/)[^\n])+", re.IGNORECASE
)
_QUERY: Final = re.compile(r"""(/[^\s?"']*\?)[^\s"']+""")


def mask_secrets(text: str) -> str:
    """The text with every secret of a path, and every query string, replaced by MASK."""
    return _QUERY.sub(rf"\1{MASK}", _SECRET.sub(rf"\1{MASK}", text))


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor for structlog: masks everything that is about to be logged, at any depth."""
    return {key: _mask(value) for key, value in event.items()}


def _mask(value: object) -> object:
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {key: _mask(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(inner) for inner in value]
    # A request, for example, shows its path.
    return mask_secrets(repr(value))
