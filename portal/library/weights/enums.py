"""Closed lists of the weights."""

from __future__ import annotations

from django.db import models


class Delivery(models.TextChoices):
    """Who sends a file's bytes; the values of WEIGHTS_DELIVERY."""

    STREAM = "stream", "This site"
    X_ACCEL = "x-accel", "nginx"
