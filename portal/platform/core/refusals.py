"""Every reason for a refusal: its code, its meaning and its HTTP response.

Pages and the API share this table. Where a program gets 400, a page shows its form again with 422.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final, Self

NEVER_RETRY: Final = {"x-should-retry": "false"}
RETRY_SOON: Final = {"Retry-After": "5"}
RETRY_LATER: Final = {"Retry-After": "60"}


@dataclass(frozen=True)
class Shape:
    """A refusal's HTTP status, the `type` in the API's error, and its headers."""

    status: int
    type: str = "invalid_request_error"
    headers: Mapping[str, str] = field(default_factory=dict)


INVALID: Final = Shape(HTTPStatus.BAD_REQUEST)
UNAUTHENTICATED: Final = Shape(HTTPStatus.UNAUTHORIZED, "authentication_error")
NOT_PERMITTED: Final = Shape(HTTPStatus.FORBIDDEN, "permission_error")
MISSING: Final = Shape(HTTPStatus.NOT_FOUND)
METHOD: Final = Shape(HTTPStatus.METHOD_NOT_ALLOWED)
TIMEOUT: Final = Shape(HTTPStatus.REQUEST_TIMEOUT)
CONFLICT: Final = Shape(HTTPStatus.CONFLICT, headers=NEVER_RETRY)
TOO_LARGE: Final = Shape(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
MEDIA_TYPE: Final = Shape(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
RATE: Final = Shape(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_error", RETRY_LATER)
QUOTA: Final = Shape(HTTPStatus.TOO_MANY_REQUESTS, "insufficient_quota", NEVER_RETRY)
FAULT: Final = Shape(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error")
BROKEN: Final = Shape(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", NEVER_RETRY)
UNAVAILABLE: Final = Shape(HTTPStatus.SERVICE_UNAVAILABLE, "server_error", RETRY_SOON)
OFFLINE: Final = Shape(HTTPStatus.SERVICE_UNAVAILABLE, "server_error", RETRY_LATER)


class RefusalCode(StrEnum):
    """A stable code, the same on pages and in the API."""

    shape: Shape
    meaning: str

    def __new__(cls, value: str, shape: Shape = INVALID, meaning: str = "") -> Self:
        """A string with its shape and meaning; `RefusalCode(text)` finds the member."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.shape = shape
        member.meaning = meaning
        return member

    # Access to a model, as `decide` returns it.
    NOT_SIGNED_IN = "not_signed_in", NOT_PERMITTED, "Nobody is signed in."
    EMAIL_UNVERIFIED = (
        "email_unverified",
        NOT_PERMITTED,
        "The e-mail address of the account is not confirmed.",
    )
    MFA_REQUIRED = "mfa_required", NOT_PERMITTED, "The account needs a second factor."
    LICENCE_UNSIGNED = "licence_unsigned", NOT_PERMITTED, "The model's licence is not signed."
    LICENCE_OUTDATED = (
        "licence_outdated",
        NOT_PERMITTED,
        "The licence has changed and must be signed again.",
    )
    NO_APPLICATION = "no_application", NOT_PERMITTED, "There is no application for the model."
    PENDING = "pending", NOT_PERMITTED, "The application is waiting for a reviewer."
    RETURNED = "returned", NOT_PERMITTED, "The application was returned for changes."
    REJECTED = "rejected", NOT_PERMITTED, "The application was rejected."
    GRANT_EXPIRED = "grant_expired", NOT_PERMITTED, "The access has expired."
    SUSPENDED = "suspended", NOT_PERMITTED, "The access is suspended."
    REVOKED = "revoked", NOT_PERMITTED, "The access was revoked."
    MODEL_OFFLINE = "model_offline", OFFLINE, "The model is not loaded now."
    QUOTA_EXCEEDED = "quota_exceeded", QUOTA, "The remaining daily quota of tokens is too small."
    ACCESS_ENDED = "access_ended", NOT_PERMITTED, "The run was stopped because the access ended."

    # Keys.
    INVALID_API_KEY = "invalid_api_key", UNAUTHENTICATED, "This is not a valid API key."
    KEY_EXPIRED = "key_expired", UNAUTHENTICATED, "The API key has expired."
    KEY_REVOKED = "key_revoked", UNAUTHENTICATED, "The API key was revoked."
    KEY_SCOPE = "key_scope", NOT_PERMITTED, "The API key lacks the scope for this."
    KEY_MODEL = "key_model", NOT_PERMITTED, "The API key is not for this model."
    TOO_MANY_KEYS = "too_many_keys", INVALID, "The person has the maximum number of keys."
    ACCOUNT_CLOSED = "account_closed", INVALID, "The account is closed."

    # Requests and runs.
    INVALID_VALUE = (
        "invalid_value",
        INVALID,
        "A field has a value that is not allowed; `param` names the field.",
    )
    INVALID_REQUEST = "invalid_request", INVALID, "The engine refused the request."
    UNSUPPORTED_PARAMETER = "unsupported_parameter", INVALID, "A field is known but not supported."
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        MEDIA_TYPE,
        "The body has an encoding that is not supported.",
    )
    CONTEXT_LENGTH_EXCEEDED = (
        "context_length_exceeded",
        INVALID,
        "Prompt and completion do not fit into the model's context.",
    )
    REQUEST_TIMEOUT = "request_timeout", TIMEOUT, "The body did not arrive in time."
    REQUEST_TOO_LARGE = "request_too_large", TOO_LARGE, "The body or the file is too large."
    HTTPS_REQUIRED = "https_required", NOT_PERMITTED, "The API is served over HTTPS only."
    FORBIDDEN = "forbidden", NOT_PERMITTED, "The address is not open to the key."
    NOT_FOUND = (
        "not_found",
        MISSING,
        "It does not exist, or the person may not see it.",
    )
    METHOD_NOT_ALLOWED = "method_not_allowed", METHOD, "The address does not accept this method."
    MODEL_NOT_FOUND = "model_not_found", MISSING, "There is no model with this name."
    NO_CHAT_TEMPLATE = "no_chat_template", MISSING, "The model has no chat template."
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        INVALID,
        "The idempotency key was already used for another request.",
    )
    RATE_LIMITED = "rate_limited", RATE, "More bytes were sent within a minute than are read."
    QUEUE_FULL = "queue_full", RATE, "The person's share of the model's queue is full."
    TOO_MANY_JOBS = "too_many_jobs", RATE, "The person has the maximum number of active runs."
    FILES_FULL = "files_full", QUOTA, "The person has reached the limit on stored files."
    FILE_IN_USE = "file_in_use", INVALID, "A batch still uses the file."
    MODEL_LOADING = "model_loading", UNAVAILABLE, "The model's tokenizer is not known yet."
    COMPILER_BUSY = "compiler_busy", UNAVAILABLE, "Output structures cannot be checked now."
    CANCELLED = "cancelled", INVALID, "The run was stopped."
    WORKER_LOST = "worker_lost", UNAVAILABLE, "The run lost its worker too often."
    EXPIRED_IN_QUEUE = "expired_in_queue", UNAVAILABLE, "The run waited too long in the queue."
    DEADLINE_EXCEEDED = "deadline_exceeded", BROKEN, "The run took too long."
    ENGINE_ERROR = "engine_error", BROKEN, "The engine failed on the run."
    SERVER_ERROR = "server_error", FAULT, "Something broke on our side."

    # Permissions and order of commands.
    REVIEWERS_ONLY = "reviewers_only", NOT_PERMITTED, "Only a reviewer may do this."
    OPERATORS_ONLY = "operators_only", NOT_PERMITTED, "Only an operator may do this."
    OWN_APPLICATION = (
        "own_application",
        NOT_PERMITTED,
        "Nobody may decide on their own application.",
    )
    OWN_GRANT = "own_grant", NOT_PERMITTED, "Nobody may change their own access."
    OWN_RENEWAL = "own_renewal", NOT_PERMITTED, "Nobody may decide on their own renewal."
    OWN_PERSON = "own_person", NOT_PERMITTED, "Nobody may decide about their own account."
    OWN_TEAM = "own_team", NOT_PERMITTED, "The person is too close to this case or team."
    DECIDED_BEFORE = (
        "decided_before",
        NOT_PERMITTED,
        "The person has decided on this before; somebody else must act.",
    )
    NOT_YOUR_APPLICATION = (
        "not_your_application",
        NOT_PERMITTED,
        "The application belongs to another person.",
    )
    NOT_YOUR_GRANT = "not_your_grant", NOT_PERMITTED, "The grant belongs to another person."
    NOT_YOUR_RENEWAL = "not_your_renewal", NOT_PERMITTED, "The renewal belongs to another person."
    NOT_YOUR_DENIAL = "not_your_denial", NOT_PERMITTED, "The entry is about another person."
    NOT_YOUR_MEMBERSHIP = (
        "not_your_membership",
        NOT_PERMITTED,
        "The membership is another person's.",
    )
    CHANGED_MEANWHILE = (
        "changed_meanwhile",
        CONFLICT,
        "It was changed meanwhile; the message gives the current state.",
    )
    SAVED_MEANWHILE = (
        "saved_meanwhile",
        CONFLICT,
        "The value to be replaced was changed meanwhile.",
    )
    CLAIMED_BY_OTHER = "claimed_by_other", CONFLICT, "Another reviewer has claimed it."
    ALREADY_ENDORSED = (
        "already_endorsed",
        CONFLICT,
        "The reviewer already gave the first of two approvals.",
    )
    HOLD_OVER = "hold_over", CONFLICT, "The applicant was notified; the decision can be reopened."
    DECISION_HELD = "decision_held", INVALID, "The applicant is not notified of the decision yet."
    APPLICATION_PENDING = "application_pending", INVALID, "The application is with the reviewers."
    APPLICATION_CLOSED = "application_closed", INVALID, "The application is closed."
    OTHER_APPLICATION_OPEN = (
        "other_application_open",
        INVALID,
        "Another application of the same person is open.",
    )
    TOO_SOON = "too_soon", INVALID, "This is possible later; the message says when."
    TOO_MANY = "too_many", INVALID, "These are too many to do together."
    TWO_REVIEWERS = "two_reviewers", INVALID, "The model needs two reviewers, one after the other."
    NOT_IN_BULK = "not_in_bulk", INVALID, "The command cannot be given in bulk."
    NOTHING_CHOSEN = "nothing_chosen", INVALID, "Nothing is chosen."
    UNKNOWN_COMMAND = "unknown_command", INVALID, "There is no such command."
    NOT_CLAIMED = "not_claimed", INVALID, "The reviewer has not claimed it."
    NOT_FOR_THEM = "not_for_them", INVALID, "The other reviewer cannot take this on."
    ABSENT = "absent", INVALID, "The reviewer is out of office."

    # Applications and decisions.
    MODELS_MISSING = "models_missing", INVALID, "No model is chosen."
    CAPABILITIES_MISSING = "capabilities_missing", INVALID, "No capability is chosen."
    NOT_ASKED_FOR = "not_asked_for", INVALID, "The application does not request this."
    NEEDS_OVERRIDE = "needs_override", INVALID, "An approval despite a flag needs a reason."
    END_NOT_IN_FUTURE = "end_not_in_future", INVALID, "The end must be in the future."
    END_TOO_FAR = "end_too_far", INVALID, "The end is too far in the future."
    END_NOT_LATER = "end_not_later", INVALID, "The new end must be after the old one."
    APPEALED_BEFORE = "appealed_before", INVALID, "The decision was appealed before."
    NOTHING_TO_APPEAL = "nothing_to_appeal", INVALID, "There is nothing to appeal."
    DENIED = "denied", INVALID, "The person is on the denylist."
    DENIED_ALREADY = "denied_already", INVALID, "This is already on the denylist."
    NO_DENIAL = "no_denial", INVALID, "The person is not on the denylist."
    REFEREE_MISSING = "referee_missing", INVALID, "The model requires a referee."
    TEXT_MISSING = "text_missing", INVALID, "A text is missing."
    TEXT_TOO_LONG = "text_too_long", INVALID, "A text is too long."
    REPLIES_INVALID = "replies_invalid", INVALID, "The release's file of replies is wrong."

    # Grants, renewals, statements.
    GRANT_SUSPENDED = "grant_suspended", INVALID, "The access is suspended."
    GRANT_NOT_HELD = "grant_not_held", INVALID, "The access has ended."
    GRANT_ENDED = "grant_ended", INVALID, "The access has already ended."
    GRANTS_MISSING = "grants_missing", INVALID, "No access is chosen."
    NOTHING_TO_EXTEND = "nothing_to_extend", INVALID, "None of the grants can be extended."
    NOT_RENEWABLE = "not_renewable", INVALID, "The access cannot be renewed now."
    NOTHING_TO_RENEW = "nothing_to_renew", INVALID, "There is nothing to renew."
    RENEWAL_PENDING = "renewal_pending", INVALID, "The renewal is with the reviewers."
    STATEMENT_MISSING = (
        "statement_missing",
        INVALID,
        "The destruction of the weights must be stated first.",
    )
    ALREADY_STATED = "already_stated", INVALID, "The statement was already made."
    NOT_OWED = "not_owed", INVALID, "No statement is owed for it."
    NOTHING_OWED = "nothing_owed", INVALID, "No statement is owed."
    DATE_IN_FUTURE = "date_in_future", INVALID, "The day is in the future."
    DATE_BEFORE_GRANT = "date_before_grant", INVALID, "The day is before the access began."

    # Licences.
    ALREADY_SIGNED = "already_signed", INVALID, "The version is already signed."
    NOTHING_TO_SIGN = "nothing_to_sign", INVALID, "There is nothing to sign again."
    LICENCE_VERSION_NOT_EFFECTIVE = (
        "licence_version_not_effective",
        INVALID,
        "The version is not in force yet.",
    )
    LICENCE_VERSION_SUPERSEDED = (
        "licence_version_superseded",
        INVALID,
        "A newer version is in force.",
    )
    LEGAL_NAME_MISSING = "legal_name_missing", INVALID, "The full legal name is missing."
    ENTITY_MISSING = "entity_missing", INVALID, "The organisation is missing."
    AUTHORITY_MISSING = (
        "authority_missing",
        INVALID,
        "The authority to bind the organisation is not confirmed.",
    )
    LICENCE_TEXT_EMPTY = "licence_text_empty", INVALID, "The licence has no text."
    LICENCE_TEXT_NOT_STORABLE = (
        "licence_text_not_storable",
        INVALID,
        "The licence's text contains a NUL.",
    )
    LICENCE_TEXT_UNCHANGED = "licence_text_unchanged", INVALID, "This text was published before."
    RELEASE_NOT_LOADED = "release_not_loaded", INVALID, "No release is loaded."
    DEPLOYMENT_MISSING = "deployment_missing", INVALID, "A live model needs a deployment."

    # Teams and vouchers.
    NO_TEAM = "no_team", INVALID, "The application has no team."
    TEAM_FULL = "team_full", INVALID, "The team is full."
    OWN_ADDRESS = "own_address", INVALID, "The address is the person's own."
    INVALID_ADDRESS = "invalid_address", INVALID, "This is not an e-mail address."
    INVITED_ALREADY = "invited_already", INVALID, "The address is already invited."
    NOT_INVITED = "not_invited", INVALID, "There is no such invitation."
    MEMBER_ALREADY = "member_already", INVALID, "The person is already in the team."
    ASKED_ALREADY = "asked_already", INVALID, "The person was already asked."
    NOBODY_ASKED = "nobody_asked", INVALID, "Nobody is left to answer."
    TOO_MANY_NAMED = "too_many_named", INVALID, "The maximum number of people was named."
    TOO_MANY_LINKS = "too_many_links", INVALID, "The maximum number of links was sent."
    MAIL_SERVICE = "mail_service", INVALID, "Anybody can have an address at this domain."
    NOT_FOR_DOMAIN = "not_for_domain", INVALID, "The domain cannot be authorised."
    LINK_WRONG = "link_wrong", INVALID, "The link is not correct."
    LINK_USED = "link_used", INVALID, "The link was already used."
    LINK_EXPIRED = "link_expired", INVALID, "The link has expired."
    LINK_REPLACED = "link_replaced", INVALID, "A newer link was sent."
    LINK_CLOSED = "link_closed", INVALID, "The link is no longer needed."
    LINK_OPEN = "link_open", INVALID, "The link still works."

    # Accounts.
    ACCOUNT_IN_USE = (
        "account_in_use",
        INVALID,
        "The account has an open application or access in force.",
    )
    STAFF_ACCOUNT = "staff_account", INVALID, "The account belongs to a member of staff."
    ALREADY_REQUESTED = "already_requested", INVALID, "This was already requested."
    HOLDS_A_ROLE = "holds_a_role", INVALID, "The person has a role on this site."
    HOLDS_CLAIMS = "holds_claims", INVALID, "The person has claimed cases."
    LAST_OPERATOR = "last_operator", INVALID, "The person is the only operator."
    NOT_A_DEMO = "not_a_demo", INVALID, "This is for the demo only."

    # Webhooks.
    INVALID_URL = "invalid_url", INVALID, "This is not a web address."
    HTTPS_ONLY = "https_only", INVALID, "The address must begin with https://."
    UNKNOWN_HOST = "unknown_host", INVALID, "The host has no address."
    PRIVATE_ADDRESS = "private_address", INVALID, "The host's address is not public."
    ENDPOINT_OFF = "endpoint_off", INVALID, "The endpoint is turned off."
