"""Closed lists of the renewals capability."""

from __future__ import annotations

from django.db import models


class RenewalState(models.TextChoices):
    """The states of a renewal; the table in rules.py says how it moves."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waiting for review"
    IN_REVIEW = "in_review", "In review"
    RETURNED = "returned", "Returned for changes"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Closed without an answer"


REVIEW_STATES = (RenewalState.SUBMITTED, RenewalState.IN_REVIEW)
"""A reviewer acts next."""
OPEN_STATES = (RenewalState.DRAFT, *REVIEW_STATES, RenewalState.RETURNED)
"""A person has at most one renewal in these."""


class RenewalCommand(models.TextChoices):
    """Every way in which a renewal can change."""

    SUBMIT = "submit", "Report submitted"
    WITHDRAW = "withdraw", "Withdrawn"
    CLAIM = "claim", "Claimed"
    RELEASE = "release", "Released"
    RETURN = "return", "Returned for changes"
    ENDORSE = "endorse", "First approval"
    APPROVE = "approve", "Approved"
    REFUSE = "refuse", "Refused"
    LAPSE = "lapse", "Closed without an answer"


DESK_COMMANDS = (RenewalCommand.CLAIM, RenewalCommand.RELEASE)
"""Internal to the reviewers: a holder is not shown these."""
