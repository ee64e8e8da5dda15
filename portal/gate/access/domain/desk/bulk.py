"""One command on many applications, tried out first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction

from portal.gate.access.domain.desk.claims import claim_application
from portal.gate.access.domain.process.reminders import remind_applicant
from portal.gate.access.domain.process.reviews import return_application
from portal.gate.access.domain.workflow.separation import require_reviewer
from portal.gate.access.enums import Command
from portal.gate.access.models import Application
from portal.gate.catalog.enums import Tier
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LIMIT = 50
BULK_COMMANDS = (Command.CLAIM, Command.REMIND, Command.RETURN)
"""Decisions about a person are never made in bulk."""


@dataclass(frozen=True)
class Outcome:
    """The result for one application, carried out or tried."""

    application: Application
    is_done: bool
    message: str


def try_bulk(
    cases: Mapping[str, int], command: Command, *, by: User, note: str = ""
) -> list[Outcome]:
    """What `carry_out_bulk` would do now: the commands themselves run, and are rolled back.

    Raises what `carry_out_bulk` raises.
    """
    with transaction.atomic():
        outcomes = carry_out_bulk(cases, command, by=by, note=note)
        transaction.set_rollback(True)
    return outcomes


def carry_out_bulk(
    cases: Mapping[str, int], command: Command, *, by: User, note: str = ""
) -> list[Outcome]:
    """Give one command on each of `cases` (revisions seen, by case number), oldest first.

    Each is a command of its own, with its own step, event and mail, in its own transaction;
    a refused one does not stop the others. Applications for models that require two
    reviewers are refused. Raises `DomainError`: `not_in_bulk`, `nothing_chosen`, `too_many`,
    `reviewers_only`.
    """
    if command not in BULK_COMMANDS:
        raise DomainError(
            RefusalCode.NOT_IN_BULK, "Decide on each one separately.", field="command"
        )
    if not cases:
        raise DomainError(RefusalCode.NOTHING_CHOSEN, "Choose at least one application.")
    if len(cases) > LIMIT:
        raise DomainError(RefusalCode.TOO_MANY, f"Choose at most {LIMIT} applications.")
    require_reviewer(by)
    act = _act(command, by=by, note=note)
    return [_try(row, act, seen=cases[row.case_number]) for row in _fetch(cases)]


def _fetch(cases: Iterable[str]) -> list[Application]:
    return list(
        Application.objects.filter(case_number__in=list(cases), submitted_at__isnull=False)
        .select_related("applicant", "claimed_by")
        .prefetch_related("models_wanted")
        .order_by("submitted_at", "pk")
    )


def _act(command: Command, *, by: User, note: str) -> Callable[[Application, int], object]:
    match command:
        case Command.CLAIM:
            return lambda row, seen: claim_application(row, by=by, seen=seen)
        case Command.REMIND:
            return lambda row, seen: remind_applicant(row, by=by, seen=seen)
        case _:
            return lambda row, seen: return_application(row, by=by, note=note, seen=seen)


def _try(
    application: Application, act: Callable[[Application, int], object], *, seen: int
) -> Outcome:
    try:
        _require_one_reviewer(application)
        with transaction.atomic():
            act(application, seen)
    except DomainError as error:
        return Outcome(application, is_done=False, message=error.message)
    return Outcome(application, is_done=True, message="")


def _require_one_reviewer(application: Application) -> None:
    guarded = [m for m in application.models_wanted.all() if m.tier == Tier.TWO_REVIEWERS]
    if guarded:
        raise DomainError(
            RefusalCode.TWO_REVIEWERS,
            f"{guarded[0].name} requires two reviewers. Open this application by itself.",
        )
