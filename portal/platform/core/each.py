"""Work on many rows, where a failure of one does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import redis
import structlog
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Model
from kombu.exceptions import OperationalError as BrokerError
from psycopg.errors import ProgramLimitExceeded

Row = TypeVar("Row")
Result = TypeVar("Result")
BROKER_AWAY: Final = (redis.ConnectionError, redis.TimeoutError, BrokerError)
DATABASE_AWAY: Final = (OperationalError, InterfaceError)

log = structlog.get_logger(__name__)


def do_each(rows: Iterable[Row], work: Callable[[Row], Result], *, doing: str) -> list[Result]:
    """Return the result of `work` for each row; a row for which it raises is logged and left out.

    `work` is a transaction of its own. If the database or the broker is away, its error is raised:
    that is no row's fault, and every other row would only wait for it too.
    """
    results = []
    for row in rows:
        try:
            results.append(work(row))
        except Exception as error:  # noqa: BLE001 -- whatever one row raises, the others continue
            note_fault(error, doing=doing, row=row)
    return results


def note_fault(error: Exception, *, doing: str, row: object) -> None:
    """Log that the work on a row failed, without any of the row's data.

    Raises the error again if the database or the broker is away.
    """
    if is_away(error):
        raise error
    log.error("row_failed", doing=doing, row=_name(row), exc_info=error)


def is_passing(error: Exception) -> bool:
    """Whether the same work may succeed later: after a deadlock, a time-out, a server away."""
    if isinstance(error.__cause__, ProgramLimitExceeded):
        return False
    return isinstance(error, (*BROKER_AWAY, *DATABASE_AWAY))


def is_away(error: Exception) -> bool:
    """Whether the database or the broker does not respond."""
    if isinstance(error, DATABASE_AWAY):
        return not connection.is_usable()
    return isinstance(error, BROKER_AWAY)


def _name(row: object) -> str:
    """A model's table and key; anything else as text."""
    match row:
        case Model():
            return f"{row._meta.label_lower}:{row.pk}"  # noqa: SLF001 -- documented by Django
        case list() | tuple():
            return ", ".join(map(_name, row))
        case _:
            return str(row)
