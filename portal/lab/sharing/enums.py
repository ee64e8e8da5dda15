"""Closed lists of shared runs."""

from __future__ import annotations

from django.db import models


class Audience(models.TextChoices):
    """The people who may read a shared run, besides its owner."""

    ME = "me", "Only me"
    TEAM = "team", "A team"
    LICENCE_HOLDERS = "licence_holders", "Everybody who may use the model"


class Life(models.IntegerChoices):
    """How long a link works, in days."""

    DAY = 1, "A day"
    WEEK = 7, "A week"
    MONTH = 30, "30 days"


class LinkState(models.TextChoices):
    """Whether a link works; `closed` while its owner may not use the model."""

    OPEN = "open", "Works"
    CLOSED = "closed", "Paused"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"
