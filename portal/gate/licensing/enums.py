"""Closed lists of the licensing capability."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Capacity(models.TextChoices):
    """For whom a person signs."""

    SELF = "self", "For myself"
    ENTITY = "entity", "For an organisation that I am authorised to bind"


class Standing(StrEnum):
    """The state of a person's signature on a licence at a moment."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    OUTDATED = "outdated"
