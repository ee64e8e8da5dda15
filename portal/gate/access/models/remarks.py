"""What reviewers write to each other about an application."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.gate.access.models.applications import Application


class Remark(models.Model):
    """A note from one reviewer to the others; the applicant's pages and mails never show it.

    `asked` is the colleague who was asked for their view, if any. The text is emptied when the
    applicant is erased.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="remarks")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    text = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.application_id} {self.at:%Y-%m-%d %H:%M}"
