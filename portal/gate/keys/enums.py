"""Closed lists of the keys capability."""

from __future__ import annotations

from django.db import models


class KeyScope(models.TextChoices):
    """What a program may do with a key."""

    COMPLETIONS = "completions", "Completions"
    LOGPROBS = "logprobs", "Scores and distributions"
    BATCHES = "batches", "Files and batches"
    READ = "read", "Models, tokens, jobs and usage"
    DECISIONS = "decisions", "Decisions on applications and grants"


RESEARCH_SCOPES: tuple[KeyScope, ...] = tuple(
    scope for scope in KeyScope if scope != KeyScope.DECISIONS
)
"""What everybody may have; decisions are for reviewers' keys."""
