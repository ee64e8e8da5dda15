"""Closed lists of the teams capability."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class MemberState(models.TextChoices):
    """How somebody stands to a team; that an invitation ran out is a fact of the clock."""

    INVITED = "invited", "Invited"
    JOINED = "joined", "Member"
    CANCELLED = "cancelled", "Invitation taken back"
    DECLINED = "declined", "Declined"
    LEFT = "left", "Left"
    REMOVED = "removed", "Removed"


CURRENT_STATES = (MemberState.INVITED, MemberState.JOINED)
"""These count against TEAM_MEMBERS."""


class InvitationStanding(StrEnum):
    """What an invitation's link is good for now."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    CLOSED = "closed"
    WRONG = "wrong"
