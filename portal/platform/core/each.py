"""Work on many rows, of which none stops another."""

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
    """What `work` answers for each row; a row whose work raises is logged and left out.

    `work` is a transaction of its own. A database or a broker that is away is raised: that is
    no row's fault, and every other row would only wait for it too.
    """
    results = []
    for row in rows:
        try:
            results.append(work(row))
        except Exception as error:  # noqa: BLE001 -- whatever one row raises, the others go on
            note_fault(error, doing=doing, row=row)
    return results


def note_fault(error: Exception, *, doing: str, row: object) -> None:
    """Log that a row broke its work, without a word of what it holds.

    Raises the error again where a database or a broker is away.
    """
    if is_away(error):
        raise error
    log.error("row_failed", doing=doing, row=_name(row), exc_info=error)


def is_passing(error: Exception) -> bool:
    """Whether the same work may well be done later: a deadlock, a time-out, a server away."""
    if isinstance(error.__cause__, ProgramLimitExceeded):
        return False
    return isinstance(error, (*BROKER_AWAY, *DATABASE_AWAY))


def is_away(error: Exception) -> bool:
    """Whether the database or the broker does not answer at all."""
    if isinstance(error, DATABASE_AWAY):
        return not connection.is_usable()
    return isinstance(error, BROKER_AWAY)


def _name(row: object) -> str:
    """By its key in the database; a name of the code is its own."""
    match row:
        case Model():
            return f"{row._meta.label_lower}:{row.pk}"  # noqa: SLF001 -- documented by Django
        case list() | tuple():
            return ", ".join(map(_name, row))
        case _:
            return str(row)
