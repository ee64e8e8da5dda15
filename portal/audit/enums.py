"""The closed list of things that the audit log can say."""

from __future__ import annotations

from enum import StrEnum


class AuditTag(StrEnum):
    """`<capability>.<subject>.<what happened>`; never renamed once released."""

    ROLES_CHANGED = "accounts.user.roles_changed"
    PERSON_ERASED = "accounts.user.erased"
    FACTOR_REMOVED = "accounts.user.factor_removed"
    AUDIT_VIEWED = "audit.log.viewed"
    AUDIT_EXPORTED = "audit.log.exported"
    LICENCE_VERSION_PUBLISHED = "licensing.version.published"
    LICENCE_SIGNED = "licensing.signature.made"
    APPLICATION_SUBMITTED = "access.application.submitted"
    APPLICATION_WITHDRAWN = "access.application.withdrawn"
    APPLICATION_RETURNED = "access.application.returned"
    APPLICATION_ENDORSED = "access.application.endorsed"
    APPLICATION_APPROVED = "access.application.approved"
    APPLICATION_REJECTED = "access.application.rejected"
    GRANT_MADE = "access.grant.made"
    GRANT_SUSPENDED = "access.grant.suspended"
    GRANT_RESUMED = "access.grant.resumed"
    GRANT_REVOKED = "access.grant.revoked"
    GRANT_SUPERSEDED = "access.grant.superseded"
    KEY_ISSUED = "keys.key.issued"
    KEY_ROTATED = "keys.key.rotated"
    KEY_REVOKED = "keys.key.revoked"
    JOB_SUBMITTED = "jobs.job.submitted"
    CALL_SUBMITTED = "jobs.call.submitted"
    JOB_CANCEL_REQUESTED = "jobs.job.cancel_requested"
    JOB_FINISHED = "jobs.job.finished"
    JOB_ERASED = "jobs.job.erased"
    RELEASE_LOADED = "catalog.release.loaded"
    MODEL_CHANGED = "catalog.model.changed"
