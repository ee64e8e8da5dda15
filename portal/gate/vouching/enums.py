"""Closed lists of the vouching capability."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class VouchKind(models.TextChoices):
    """Who is asked to speak for an applicant."""

    REFEREE = "referee", "Referee"
    OFFICIAL = "official", "Signing official"


class RequestState(models.TextChoices):
    """How far a request has come; that it ran out is a fact of the clock."""

    NAMED = "named", "Asked when the application is submitted"
    ASKED = "asked", "Asked"
    ANSWERED = "answered", "Answered"
    REPLACED = "replaced", "Replaced by another person"


LIVE_STATES = (RequestState.NAMED, RequestState.ASKED, RequestState.ANSWERED)
"""An application has one request of a kind in these; the rest is history."""


class Answer(models.TextChoices):
    """What somebody says of the applicant. None of these decides anything."""

    CONFIRM = "confirm", "Confirms"
    CANNOT_CONFIRM = "cannot_confirm", "Cannot confirm"
    NOT_ME = "not_me", "Is not the person who was named"


class DomainState(models.TextChoices):
    """How far the pre-authorisation of a domain has come; its end is a fact of the clock."""

    PROPOSED = "proposed", "Waits for a reviewer"
    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class LinkStanding(StrEnum):
    """What a link that somebody followed is good for now."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CLOSED = "closed"
    """The application needs no answer any more."""
    WRONG = "wrong"


class Delivery(StrEnum):
    """Where a request stands, as its applicant reads it."""

    NAMED = "named"
    QUEUED = "queued"
    SENT = "sent"
    BOUNCED = "bounced"
    FAILED = "failed"
    EXPIRED = "expired"
    ANSWERED = "answered"
