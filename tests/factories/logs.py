"""The site's own log, for tests that read it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from portal.config.logging import configure_logging


@contextmanager
def site_log(*, level: str = "WARNING") -> Iterator[None]:
    """Written to stderr according to the settings, and in JSON."""
    handlers, before = logging.root.handlers, logging.root.level
    configure_logging(level=level, log_format="json")
    try:
        yield
    finally:
        logging.root.handlers = handlers
        logging.root.setLevel(before)
