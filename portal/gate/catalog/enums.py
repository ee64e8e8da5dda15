"""Closed lists of the catalog."""

from __future__ import annotations

from django.db import models


class ModelStatus(models.TextChoices):
    """Whether this installation serves the model."""

    LIVE = "live", "Live"
    NOT_LOADED = "not_loaded", "Not loaded here"


class Tier(models.TextChoices):
    """What access to a model requires."""

    SIGNATURE = "signature", "Signature alone"
    ONE_REVIEWER = "one_reviewer", "One reviewer"
    TWO_REVIEWERS = "two_reviewers", "Two reviewers"
