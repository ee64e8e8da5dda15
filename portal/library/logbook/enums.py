"""The kinds of entries, the axes of curves, and who may read."""

from __future__ import annotations

from django.db.models import TextChoices


class EntryKind(TextChoices):
    LAUNCH = "launch", "Launch"
    RESTART = "restart", "Restart"
    HARDWARE = "hardware", "Hardware"
    LEARNING_RATE = "learning_rate", "Learning rate"
    SPIKE = "spike", "Spike"
    DECISION = "decision", "Decision"
    MILESTONE = "milestone", "Milestone"
    NOTE = "note", "Note"


class Axis(TextChoices):
    """What a curve is drawn over; the values name columns of `Block` and of `points`."""

    STEP = "step", "Step"
    TOKENS = "tokens", "Tokens"
    TIME = "time", "Time"


class Audience(TextChoices):
    EVERYONE = "everyone", "Everyone"
    LICENCE = "licence", "Holders of the signed licence"
