"""Closed lists of the teams capability."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class MemberState(models.TextChoices):
    """The state of a membership; whether an invitation has expired depends on the time."""

    INVITED = "invited", "Invited"
    JOINED = "joined", "Member"
    CANCELLED = "cancelled", "Invitation taken back"
    DECLINED = "declined", "Declined"
    LEFT = "left", "Left"
    REMOVED = "removed", "Removed"


CURRENT_STATES = (MemberState.INVITED, MemberState.JOINED)
"""These count against TEAM_MEMBERS."""


class InvitationStanding(StrEnum):
    """The state of an invitation's link."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    CLOSED = "closed"
    WRONG = "wrong"
