"""Links by which a person lets others read a run."""

from __future__ import annotations

import uuid

from django.db import models

from portal.gate.teams.models import Team
from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.enums import Audience


class ShareLink(models.Model):
    """A link to one run of its owner, who is the run's person. Erasing the run deletes it.

    `digest` is the SHA-256 of the link's token, the only trace of it that is kept. Revoking
    erases it, and the owner's notice with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(GenerationJob, on_delete=models.PROTECT, related_name="share_links")
    audience = models.CharField(max_length=16, choices=Audience.choices)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    is_sensitive = models.BooleanField(
        default=False, help_text="Readers see the text only after they choose to."
    )
    notice = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["digest"], condition=~models.Q(digest=""), name="one_share_link_per_token"
            ),
            models.CheckConstraint(
                name="share_link_revoked_is_empty",
                condition=(models.Q(revoked_at__isnull=True) & ~models.Q(digest=""))
                | models.Q(revoked_at__isnull=False, digest="", notice=""),
            ),
            models.CheckConstraint(
                name="share_link_team_is_named",
                condition=models.Q(audience=Audience.TEAM, team__isnull=False)
                | (~models.Q(audience=Audience.TEAM) & models.Q(team__isnull=True)),
            ),
            models.CheckConstraint(
                name="share_link_expires_later",
                condition=models.Q(expires_at__gt=models.F("created_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"Link to {self.run_id}"
