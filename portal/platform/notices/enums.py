"""Closed lists of the notices capability."""

from __future__ import annotations

from django.db import models


class NoticeState(models.TextChoices):
    """The state of a notice's mail."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    BOUNCED = "bounced", "Refused by the recipient's server"
    FAILED = "failed", "Given up after too many tries"
    WITHDRAWN = "withdrawn", "Withdrawn before it was sent"
