"""Mail of a demo installation, stored to be read in the browser instead of being sent."""

from __future__ import annotations

from django.db import models


class StoredMail(models.Model):
    """One message to one recipient."""

    to = models.EmailField()
    subject = models.CharField(max_length=998)
    body = models.TextField()
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.to}: {self.subject}"
