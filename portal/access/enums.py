"""Closed lists of the access capability."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Capability(models.TextChoices):
    """What a person may do with a model."""

    PLAYGROUND = "playground", "Playground"
    API = "api", "API"
    WEIGHTS = "weights", "Weights"


class ApplicationState(models.TextChoices):
    """Where an application stands; the table in rules.py says how it moves."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waiting for review"
    RETURNED = "returned", "Returned for changes"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


OPEN_STATES = (ApplicationState.DRAFT, ApplicationState.SUBMITTED, ApplicationState.RETURNED)
EDITABLE_STATES = (ApplicationState.DRAFT, ApplicationState.RETURNED)


class GrantState(models.TextChoices):
    """Whether a right is in force; its end date is a separate fact."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    REVOKED = "revoked", "Revoked"
    SUPERSEDED = "superseded", "Replaced"


HELD_STATES = (GrantState.ACTIVE, GrantState.SUSPENDED)
"""A person holds at most one grant for a model in these; the rest are history."""


class Command(models.TextChoices):
    """Every way in which an application or a grant can change."""

    SUBMIT = "submit", "Submitted"
    WITHDRAW = "withdraw", "Withdrawn"
    RETURN = "return", "Returned for changes"
    ENDORSE = "endorse", "Approved by a first reviewer"
    APPROVE = "approve", "Approved"
    REJECT = "reject", "Rejected"
    SUSPEND = "suspend", "Suspended"
    RESUME = "resume", "Resumed"
    REVOKE = "revoke", "Revoked"
    SUPERSEDE = "supersede", "Replaced by a newer grant"


class Role(StrEnum):
    """Who gives a command, in relation to the application or grant."""

    APPLICANT = "applicant"
    REVIEWER = "reviewer"
    SYSTEM = "system"
    """Nobody by hand: what follows from another command."""


class Code(StrEnum):
    """The answers of `decide`."""

    OK = "ok"
    NOT_SIGNED_IN = "not_signed_in"
    EMAIL_UNVERIFIED = "email_unverified"
    MFA_REQUIRED = "mfa_required"
    LICENCE_UNSIGNED = "licence_unsigned"
    LICENCE_OUTDATED = "licence_outdated"
    NO_APPLICATION = "no_application"
    PENDING = "pending"
    RETURNED = "returned"
    REJECTED = "rejected"
    GRANT_EXPIRED = "grant_expired"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    MODEL_OFFLINE = "model_offline"
    QUOTA_EXCEEDED = "quota_exceeded"
