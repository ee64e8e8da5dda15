"""Closed lists of published files."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class RepositoryKind(models.TextChoices):
    """What the files of a repository are."""

    WEIGHTS = "weights", "Weights"
    CODE = "code", "Code"
    NOTES = "notes", "Notes"
    DATA = "data", "Data"


class Audience(models.TextChoices):
    """Who may read code, notes or data. Weights have no audience: they need a grant."""

    PUBLIC = "public", "Everybody"
    LICENCE_HOLDERS = "licence_holders", "Holders of the signed licence"


class HubType(StrEnum):
    """The two lists of repositories that the Hub's clients know."""

    MODELS = "models"
    DATASETS = "datasets"


class Delivery(models.TextChoices):
    """Who sends a file's bytes; the values of WEIGHTS_DELIVERY."""

    STREAM = "stream", "This site"
    X_ACCEL = "x-accel", "nginx"
