"""Closed lists of the notices capability."""

from __future__ import annotations

from django.db import models


class NoticeState(models.TextChoices):
    """How far a notice's mail has come."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    BOUNCED = "bounced", "Refused by the recipient's server"
    FAILED = "failed", "Given up after many tries"
    WITHDRAWN = "withdrawn", "Taken back before it left"
