"""The one table of who may give which command to a renewal in which state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from portal.gate.access.enums import Role
from portal.gate.renewals.enums import RenewalCommand as Command
from portal.gate.renewals.enums import RenewalState as State

RENEWAL_COMMANDS: Final[Mapping[tuple[State, Role, Command], State]] = {
    (State.DRAFT, Role.APPLICANT, Command.SUBMIT): State.SUBMITTED,
    (State.SUBMITTED, Role.APPLICANT, Command.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Role.REVIEWER, Command.CLAIM): State.IN_REVIEW,
    (State.SUBMITTED, Role.REVIEWER, Command.RETURN): State.RETURNED,
    (State.SUBMITTED, Role.REVIEWER, Command.ENDORSE): State.IN_REVIEW,
    (State.SUBMITTED, Role.REVIEWER, Command.APPROVE): State.APPROVED,
    (State.SUBMITTED, Role.REVIEWER, Command.REFUSE): State.REFUSED,
    (State.IN_REVIEW, Role.APPLICANT, Command.WITHDRAW): State.WITHDRAWN,
    (State.IN_REVIEW, Role.REVIEWER, Command.CLAIM): State.IN_REVIEW,
    (State.IN_REVIEW, Role.REVIEWER, Command.RELEASE): State.IN_REVIEW,
    (State.IN_REVIEW, Role.REVIEWER, Command.RETURN): State.RETURNED,
    (State.IN_REVIEW, Role.REVIEWER, Command.ENDORSE): State.IN_REVIEW,
    (State.IN_REVIEW, Role.REVIEWER, Command.APPROVE): State.APPROVED,
    (State.IN_REVIEW, Role.REVIEWER, Command.REFUSE): State.REFUSED,
    (State.RETURNED, Role.APPLICANT, Command.SUBMIT): State.SUBMITTED,
    (State.RETURNED, Role.APPLICANT, Command.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Role.SYSTEM, Command.LAPSE): State.LAPSED,
}


def renewal_commands(state: State, role: Role) -> list[Command]:
    """The commands open to a role in a state, in the order of the table."""
    return [command for (from_, by, command) in RENEWAL_COMMANDS if (from_, by) == (state, role)]
