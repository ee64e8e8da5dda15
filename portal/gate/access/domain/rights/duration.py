"""How long a right lasts: a later end, or an end that its holder chooses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from portal.gate.access.domain.rights.grants import announce_end
from portal.gate.access.domain.workflow.commands import move_grant, require_announced
from portal.gate.access.enums import Command, Role
from portal.gate.access.models import Grant, Step
from portal.platform.accounts.models import User


def extend_grants(grants: Sequence[Grant], *, by: User, ends_at: datetime) -> None:
    """Give grants a later end in the caller's transaction; expired ones are in force again.

    Raises `LostRace` for one that is no longer active.
    """
    for grant in grants:
        move_grant(
            grant,
            Command.EXTEND,
            by=by,
            role=Role.SYSTEM,
            data={"ends_at": ends_at.isoformat()},
            ends_at=ends_at,
        )


def give_grant_back(grant: Grant, *, by: User) -> Step:
    """End the holder's own grant for good, in the caller's transaction; running jobs end.

    Raises `DomainError` (`not_your_grant`, and `application_pending` while a decision that may
    have made it is held) and `LostRace`.
    """
    if by.pk == grant.user_id:
        require_announced(grant.application)
    step = move_grant(grant, Command.GIVE_BACK, by=by, role=Role.APPLICANT)
    announce_end(grant)
    return step
