"""Closed lists of the vouching capability."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class VouchKind(models.TextChoices):
    """Who is asked to speak for an applicant."""

    REFEREE = "referee", "Referee"
    OFFICIAL = "official", "Signing official"


class RequestState(models.TextChoices):
    """The state of a request; whether it has expired depends on the time."""

    NAMED = "named", "Asked when the application is submitted"
    ASKED = "asked", "Asked"
    ANSWERED = "answered", "Answered"
    REPLACED = "replaced", "Replaced by another person"


LIVE_STATES = (RequestState.NAMED, RequestState.ASKED, RequestState.ANSWERED)
"""An application has at most one request of a kind in these; the rest is history."""


class Answer(models.TextChoices):
    """What somebody says of the applicant. None of these decides anything."""

    CONFIRM = "confirm", "Confirms"
    CANNOT_CONFIRM = "cannot_confirm", "Cannot confirm"
    NOT_ME = "not_me", "Is not the person who was named"


class DomainState(models.TextChoices):
    """The state of a domain's authorisation; whether it has ended depends on the time."""

    PROPOSED = "proposed", "Waiting for a reviewer"
    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class LinkStanding(StrEnum):
    """The state of a link that somebody followed."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CLOSED = "closed"
    """The application no longer needs an answer."""
    WRONG = "wrong"


class Delivery(StrEnum):
    """The state of a request, as its applicant sees it."""

    NAMED = "named"
    QUEUED = "queued"
    SENT = "sent"
    BOUNCED = "bounced"
    FAILED = "failed"
    EXPIRED = "expired"
    ANSWERED = "answered"
