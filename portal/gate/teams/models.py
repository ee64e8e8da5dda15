"""The team of an approved application, and its members."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from portal.gate.access.models import Application
from portal.gate.teams.enums import CURRENT_STATES, MemberState
from portal.platform.notices.models import Notice


class Team(models.Model):
    """The people who use models under one approved application; its applicant is the lead.

    A class may use only the playground, and ends at `class_ends_at`.
    """

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="team")
    class_ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Team of {self.application}"

    @property
    def is_class(self) -> bool:
        return self.class_ends_at is not None


class Member(models.Model):
    """One person of a team, from the invitation on. Rows end and are not deleted.

    `digest` is the SHA-256 of the link's token, the only trace of it that is kept. The address
    is that of the invitation; the account that joined may use another.
    """

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="members")
    email = models.EmailField(blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
    )
    state = models.CharField(
        max_length=16, choices=MemberState.choices, default=MemberState.INVITED
    )
    digest = models.CharField(max_length=64, blank=True)
    serial = models.PositiveSmallIntegerField(default=0)
    invited_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    notice = models.ForeignKey(
        Notice, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    joined_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(blank=True, help_text="Why a reviewer removed them.")

    class Meta:
        ordering = ["invited_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "user"],
                condition=models.Q(state=MemberState.JOINED),
                name="one_membership_per_team",
            ),
            models.UniqueConstraint(
                fields=["team", "email"],
                condition=models.Q(state__in=CURRENT_STATES) & ~models.Q(email=""),
                name="one_invitation_per_address",
            ),
            models.CheckConstraint(
                name="member_joined_whole",
                condition=~models.Q(state=MemberState.JOINED)
                | models.Q(user__isnull=False, joined_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.email} of {self.team}"

    def is_expired(self, *, at: datetime) -> bool:
        return self.state == MemberState.INVITED and at >= self.expires_at
