"""Closed lists of the access capability."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Capability(models.TextChoices):
    """What a person may do with a model."""

    PLAYGROUND = "playground", "Playground"
    API = "api", "API"
    WEIGHTS = "weights", "Weights"


class KeyScope(models.TextChoices):
    """What a program may do with a key."""

    COMPLETIONS = "completions", "Completions"
    LOGPROBS = "logprobs", "Scores and distributions"
    BATCHES = "batches", "Files and batches"
    READ = "read", "Models, tokens, jobs and usage"
    WEIGHTS = "weights", "Download of weights"
    DECISIONS = "decisions", "Decisions on applications and grants"


class ApplicationState(models.TextChoices):
    """The states of an application; the table in rules.py says how it moves."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waiting for review"
    IN_REVIEW = "in_review", "In review"
    RETURNED = "returned", "Returned for changes"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    APPEALED = "appealed", "Appealed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Closed without an answer"


REVIEW_STATES = (
    ApplicationState.SUBMITTED,
    ApplicationState.IN_REVIEW,
    ApplicationState.APPEALED,
)
"""A reviewer acts next."""
OPEN_STATES = (ApplicationState.DRAFT, *REVIEW_STATES, ApplicationState.RETURNED)
EDITABLE_STATES = (ApplicationState.DRAFT, ApplicationState.RETURNED)


class Sector(models.TextChoices):
    """Where an applicant works, by their own statement."""

    UNIVERSITY = "university", "University"
    INSTITUTE = "institute", "Public research institute"
    GOVERNMENT = "government", "Government"
    CIVIL_SOCIETY = "civil_society", "Civil society"
    INDUSTRY = "industry", "Industry research laboratory"
    INDEPENDENT = "independent", "No institution"


class GrantState(models.TextChoices):
    """Whether a right is in force; its end date is a separate fact."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    REVOKED = "revoked", "Revoked"
    SUPERSEDED = "superseded", "Replaced"
    VOID = "void", "Taken back"
    ENDED = "ended", "Ended with the team"
    CLOSED = "closed", "Given back"


HELD_STATES = (GrantState.ACTIVE, GrantState.SUSPENDED)
"""A person holds at most one grant for a model in these; the rest are history."""


class Command(models.TextChoices):
    """Every way in which an application or a grant can change."""

    SUBMIT = "submit", "Submitted"
    WITHDRAW = "withdraw", "Withdrawn"
    APPEAL = "appeal", "Appealed"
    CLAIM = "claim", "Claimed"
    RELEASE = "release", "Released"
    HAND_OVER = "hand_over", "Handed over"
    RETURN = "return", "Returned for changes"
    REMIND = "remind", "Reminded"
    ENDORSE = "endorse", "First approval"
    APPROVE = "approve", "Approved"
    REJECT = "reject", "Rejected"
    LAPSE = "lapse", "Closed without an answer"
    TAKE_BACK = "take_back", "Decision taken back"
    REOPEN = "reopen", "Reopened"
    SUSPEND = "suspend", "Suspended"
    RESUME = "resume", "Resumed"
    REVOKE = "revoke", "Revoked"
    SUPERSEDE = "supersede", "Replaced with a newer grant"
    HALT = "halt", "Suspended while its application is open again"
    END = "end", "Ended with its application"
    VOID = "void", "Taken back with its decision"
    RESTORE = "restore", "Restored when the decision was taken back"
    LEAVE = "leave", "Ended with the team"
    EXTEND = "extend", "Extended"
    GIVE_BACK = "give_back", "Given back"


HELD_COMMANDS = (Command.RETURN, Command.APPROVE, Command.REJECT)
"""A reviewer's decisions; the applicant is notified when the hold ends."""


INTERNAL_COMMANDS = (
    Command.CLAIM,
    Command.RELEASE,
    Command.HAND_OVER,
    Command.TAKE_BACK,
    Command.VOID,
    Command.RESTORE,
)
"""Internal to the reviewers: applicants do not see these."""


class ReasonCode(models.TextChoices):
    """Why an application was returned or refused, as the metrics count it."""

    PURPOSE_UNCLEAR = "purpose_unclear", "The purpose is not clear"
    INCOMPLETE = "incomplete", "Something is missing"
    IDENTITY_UNPROVEN = "identity_unproven", "Identity or affiliation is not proven"
    NOT_RESEARCH = "not_research", "Not research, or commercial"
    PROHIBITED_USE = "prohibited_use", "A use that the licence prohibits"
    NOT_ELIGIBLE = "not_eligible", "Not eligible for this release"
    DUPLICATE = "duplicate", "A duplicate of another application"
    DENIED = "denied", "The person or institution is on the denylist"
    OTHER = "other", "Another reason"


class DenialKind(models.TextChoices):
    """What an entry of the denylist is about."""

    PERSON = "person", "A person"
    DOMAIN = "domain", "Everyone with an address at a domain"
    ENTITY = "entity", "Everyone at an institution, by its name"


class Role(StrEnum):
    """Who gives a command, in relation to the application or grant."""

    APPLICANT = "applicant"
    REVIEWER = "reviewer"
    SYSTEM = "system"
    """No person: a command that follows from another one, or from the clock."""


class Code(StrEnum):
    """The results of `decide`."""

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
