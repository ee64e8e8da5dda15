"""The states of an erasure request."""

from __future__ import annotations

from django.db import models


class ErasureState(models.TextChoices):
    """Open until its day, then begun (cannot be taken back), then carried out."""

    OPEN = "open", "Waiting"
    BEGUN = "begun", "Being carried out"
    CARRIED_OUT = "carried_out", "Carried out"
    TAKEN_BACK = "taken_back", "Taken back"


PENDING_STATES = (ErasureState.OPEN, ErasureState.BEGUN)
"""A person has at most one request in these states."""
