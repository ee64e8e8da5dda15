"""Closed lists of the keys capability."""

from __future__ import annotations

from django.db import models


class KeyScope(models.TextChoices):
    """What a program may do with a key."""

    COMPLETIONS = "completions", "Completions"
    LOGPROBS = "logprobs", "Scores and distributions"
    BATCHES = "batches", "Files and batches"
    READ = "read", "Models, tokens, jobs and usage"
