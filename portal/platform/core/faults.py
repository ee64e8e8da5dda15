"""Errors as they are logged: what broke and where, without the data on which it broke.

The text of an error may quote what a person wrote: PostgreSQL quotes rows, pydantic quotes inputs.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from smtplib import SMTPException
from types import TracebackType
from typing import Final

import redis
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from psycopg import Error as PostgresError
from psycopg.errors import ProgramLimitExceeded

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
SPEAK_OF_MACHINES: Final = (
    *(OSError, ImportError, ImproperlyConfigured),
    *(OperationalError, InterfaceError, redis.ConnectionError, redis.TimeoutError),
)
"""Errors whose first line is logged, because an operator needs it."""
SPEAK_OF_DATA: Final = (SMTPException, ProgramLimitExceeded)
FRAMES: Final = 40


def write_fault(exc_info: ExcInfo) -> str:
    """The traceback of an error and of its causes."""
    parts = []
    for error in _causes(exc_info[1]):
        frames = "".join(traceback.format_tb(error.__traceback__, limit=-FRAMES))
        parts.append(f"Traceback (most recent call last):\n{frames}{_headline(error)}")
    return "\n\n".join(reversed(parts))


class QuietErrors(logging.Filter):
    """Removes the error's text that Celery puts into the message, past `write_fault`."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict) and "exc" in record.args:
            kind, _, _ = str(record.args["exc"]).partition("(")
            record.args = {**record.args, "exc": kind}
        return True


def _headline(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, PostgresError) and error.sqlstate:
        name += f" [{error.sqlstate}]"
    speaks = isinstance(error, SPEAK_OF_MACHINES) and not any(
        isinstance(each, SPEAK_OF_DATA) for each in (error, error.__cause__)
    )
    first, *_ = str(error).splitlines() or [""]
    return f"{name}: {first}" if speaks and first else name


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        context = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or context
