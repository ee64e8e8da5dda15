"""The single table of who may give which command in which state, and the next state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from django.db.models import F, QuerySet

from portal.gate.access.enums import ApplicationState, Command, GrantState, Role

APPLICATION_COMMANDS: Final[Mapping[tuple[ApplicationState, Role, Command], ApplicationState]] = {
    (ApplicationState.DRAFT, Role.APPLICANT, Command.SUBMIT): ApplicationState.SUBMITTED,
    (ApplicationState.DRAFT, Role.APPLICANT, Command.WITHDRAW): ApplicationState.WITHDRAWN,
    (ApplicationState.SUBMITTED, Role.APPLICANT, Command.WITHDRAW): ApplicationState.WITHDRAWN,
    (ApplicationState.SUBMITTED, Role.REVIEWER, Command.CLAIM): ApplicationState.IN_REVIEW,
    (ApplicationState.SUBMITTED, Role.REVIEWER, Command.RETURN): ApplicationState.RETURNED,
    (ApplicationState.SUBMITTED, Role.REVIEWER, Command.ENDORSE): ApplicationState.IN_REVIEW,
    (ApplicationState.SUBMITTED, Role.REVIEWER, Command.APPROVE): ApplicationState.APPROVED,
    (ApplicationState.SUBMITTED, Role.REVIEWER, Command.REJECT): ApplicationState.REJECTED,
    (ApplicationState.IN_REVIEW, Role.APPLICANT, Command.WITHDRAW): ApplicationState.WITHDRAWN,
    (ApplicationState.IN_REVIEW, Role.REVIEWER, Command.CLAIM): ApplicationState.IN_REVIEW,
    (ApplicationState.IN_REVIEW, Role.REVIEWER, Command.RELEASE): ApplicationState.IN_REVIEW,
    (ApplicationState.IN_REVIEW, Role.REVIEWER, Command.HAND_OVER): ApplicationState.IN_REVIEW,
    (ApplicationState.IN_REVIEW, Role.REVIEWER, Command.RETURN): ApplicationState.RETURNED,
    (ApplicationState.IN_REVIEW, Role.REVIEWER, Command.ENDORSE): ApplicationState.IN_REVIEW,
    (ApplicationState.IN_REVIEW, Role.REVIEWER, Command.APPROVE): ApplicationState.APPROVED,
    (ApplicationState.IN_REVIEW, Role.REVIEWER, Command.REJECT): ApplicationState.REJECTED,
    (ApplicationState.RETURNED, Role.APPLICANT, Command.SUBMIT): ApplicationState.SUBMITTED,
    (ApplicationState.RETURNED, Role.APPLICANT, Command.WITHDRAW): ApplicationState.WITHDRAWN,
    (ApplicationState.RETURNED, Role.REVIEWER, Command.REMIND): ApplicationState.RETURNED,
    (ApplicationState.RETURNED, Role.SYSTEM, Command.REMIND): ApplicationState.RETURNED,
    (ApplicationState.RETURNED, Role.SYSTEM, Command.LAPSE): ApplicationState.LAPSED,
    (ApplicationState.RETURNED, Role.REVIEWER, Command.TAKE_BACK): ApplicationState.IN_REVIEW,
    (ApplicationState.APPROVED, Role.REVIEWER, Command.TAKE_BACK): ApplicationState.IN_REVIEW,
    (ApplicationState.APPROVED, Role.REVIEWER, Command.REOPEN): ApplicationState.IN_REVIEW,
    (ApplicationState.REJECTED, Role.APPLICANT, Command.APPEAL): ApplicationState.APPEALED,
    (ApplicationState.REJECTED, Role.REVIEWER, Command.TAKE_BACK): ApplicationState.IN_REVIEW,
    (ApplicationState.REJECTED, Role.REVIEWER, Command.REOPEN): ApplicationState.IN_REVIEW,
    (ApplicationState.APPEALED, Role.APPLICANT, Command.WITHDRAW): ApplicationState.WITHDRAWN,
    (ApplicationState.APPEALED, Role.REVIEWER, Command.CLAIM): ApplicationState.IN_REVIEW,
    (ApplicationState.APPEALED, Role.REVIEWER, Command.RETURN): ApplicationState.RETURNED,
    (ApplicationState.APPEALED, Role.REVIEWER, Command.ENDORSE): ApplicationState.IN_REVIEW,
    (ApplicationState.APPEALED, Role.REVIEWER, Command.APPROVE): ApplicationState.APPROVED,
    (ApplicationState.APPEALED, Role.REVIEWER, Command.REJECT): ApplicationState.REJECTED,
}

GRANT_COMMANDS: Final[Mapping[tuple[GrantState, Role, Command], GrantState]] = {
    (GrantState.ACTIVE, Role.REVIEWER, Command.SUSPEND): GrantState.SUSPENDED,
    (GrantState.SUSPENDED, Role.REVIEWER, Command.RESUME): GrantState.ACTIVE,
    (GrantState.ACTIVE, Role.REVIEWER, Command.REVOKE): GrantState.REVOKED,
    (GrantState.SUSPENDED, Role.REVIEWER, Command.REVOKE): GrantState.REVOKED,
    (GrantState.ACTIVE, Role.SYSTEM, Command.SUPERSEDE): GrantState.SUPERSEDED,
    (GrantState.SUSPENDED, Role.SYSTEM, Command.SUPERSEDE): GrantState.SUPERSEDED,
    (GrantState.ACTIVE, Role.SYSTEM, Command.HALT): GrantState.SUSPENDED,
    (GrantState.SUPERSEDED, Role.SYSTEM, Command.HALT): GrantState.SUSPENDED,
    (GrantState.REVOKED, Role.SYSTEM, Command.HALT): GrantState.SUSPENDED,
    (GrantState.SUSPENDED, Role.SYSTEM, Command.END): GrantState.REVOKED,
    (GrantState.ACTIVE, Role.SYSTEM, Command.VOID): GrantState.VOID,
    (GrantState.SUSPENDED, Role.SYSTEM, Command.VOID): GrantState.VOID,
    (GrantState.SUPERSEDED, Role.SYSTEM, Command.RESTORE): GrantState.ACTIVE,
    (GrantState.ACTIVE, Role.SYSTEM, Command.LEAVE): GrantState.ENDED,
    (GrantState.SUSPENDED, Role.SYSTEM, Command.LEAVE): GrantState.REVOKED,
    (GrantState.ACTIVE, Role.SYSTEM, Command.EXTEND): GrantState.ACTIVE,
    (GrantState.ACTIVE, Role.APPLICANT, Command.GIVE_BACK): GrantState.CLOSED,
}
"""The system's commands follow from a reviewer's, on the application or on a renewal."""


def application_commands(state: ApplicationState, role: Role) -> list[Command]:
    """The commands open to a role in a state, in the order of the table."""
    return [
        command for (from_, by, command) in APPLICATION_COMMANDS if (from_, by) == (state, role)
    ]


def grant_commands(state: GrantState, role: Role) -> list[Command]:
    """The commands on a grant open to a role in a state, in the order of the table."""
    return [command for (from_, by, command) in GRANT_COMMANDS if (from_, by) == (state, role)]


class Movable(Protocol):
    """A row with a state and a count of its moves: an application or a grant."""

    pk: Any
    state: Any
    revision: Any


def compare_and_set(rows: QuerySet[Any], seen: Movable, *, state: str, **changes: object) -> bool:
    """Move one row to `state` if nobody has moved it since `seen` was read; the only writer.

    Return whether it moved. Every move increments `revision`, so that a row which left a state
    and came back (returned, then submitted again) is not taken for the one that was seen.
    On success `seen` gets the new values.
    """
    values: dict[str, object] = {"state": state, **changes}
    unmoved = rows.filter(pk=seen.pk, state=seen.state, revision=seen.revision)
    if unmoved.update(revision=F("revision") + 1, **values) != 1:
        return False
    for name, value in {**values, "revision": seen.revision + 1}.items():
        setattr(seen, name, value)
    return True
