"""Every reason for which something is refused: its code, its meaning, its answer over HTTP.

Pages and programs read this one table. A page shows a form again with 422 where a program is told
400, since it is the form's fault in both.
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
    """Status, the API's type, and headers of a refusal."""

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
    """Stable, and the same wherever it is read."""

    shape: Shape
    meaning: str

    def __new__(cls, value: str, shape: Shape = INVALID, meaning: str = "") -> Self:
        """A text with what it means; `RefusalCode(text)` finds the one of a text."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.shape = shape
        member.meaning = meaning
        return member

    # Access to a model, as `decide` answers it.
    NOT_SIGNED_IN = "not_signed_in", NOT_PERMITTED, "Nobody is signed in."
    EMAIL_UNVERIFIED = (
        "email_unverified",
        NOT_PERMITTED,
        "The e-mail address of the account is not confirmed.",
    )
    MFA_REQUIRED = "mfa_required", NOT_PERMITTED, "The account has to have a second factor."
    LICENCE_UNSIGNED = "licence_unsigned", NOT_PERMITTED, "The model's licence is not signed."
    LICENCE_OUTDATED = (
        "licence_outdated",
        NOT_PERMITTED,
        "The licence has changed and has to be signed again.",
    )
    NO_APPLICATION = "no_application", NOT_PERMITTED, "Access to the model was not applied for."
    PENDING = "pending", NOT_PERMITTED, "The application waits for a reviewer."
    RETURNED = "returned", NOT_PERMITTED, "The application was returned for changes."
    REJECTED = "rejected", NOT_PERMITTED, "The application was rejected."
    GRANT_EXPIRED = "grant_expired", NOT_PERMITTED, "The access has expired."
    SUSPENDED = "suspended", NOT_PERMITTED, "The access is suspended."
    REVOKED = "revoked", NOT_PERMITTED, "The access was revoked."
    MODEL_OFFLINE = "model_offline", OFFLINE, "The model is not loaded here now."
    QUOTA_EXCEEDED = "quota_exceeded", QUOTA, "The tokens of the day do not suffice."
    ACCESS_ENDED = "access_ended", NOT_PERMITTED, "The run was stopped because the access ended."

    # Keys.
    INVALID_API_KEY = "invalid_api_key", UNAUTHENTICATED, "This is no API key."
    KEY_EXPIRED = "key_expired", UNAUTHENTICATED, "The API key has expired."
    KEY_REVOKED = "key_revoked", UNAUTHENTICATED, "The API key was revoked."
    KEY_SCOPE = "key_scope", NOT_PERMITTED, "The API key lacks the scope for this."
    KEY_MODEL = "key_model", NOT_PERMITTED, "The API key is not for this model."
    TOO_MANY_KEYS = "too_many_keys", INVALID, "The person has as many keys as one may have."
    ACCOUNT_CLOSED = "account_closed", INVALID, "The account is closed."

    # Requests and runs.
    INVALID_VALUE = (
        "invalid_value",
        INVALID,
        "A field holds something that it may not; `param` names it.",
    )
    INVALID_REQUEST = "invalid_request", INVALID, "The engine refused the request."
    UNSUPPORTED_PARAMETER = "unsupported_parameter", INVALID, "A field is known and not supported."
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        MEDIA_TYPE,
        "The body is in an encoding that is not read.",
    )
    CONTEXT_LENGTH_EXCEEDED = (
        "context_length_exceeded",
        INVALID,
        "Prompt and completion do not fit into the model's context.",
    )
    REQUEST_TIMEOUT = "request_timeout", TIMEOUT, "The body did not come in time."
    REQUEST_TOO_LARGE = "request_too_large", TOO_LARGE, "The body or the file is too large."
    HTTPS_REQUIRED = "https_required", NOT_PERMITTED, "The API is served over HTTPS alone."
    FORBIDDEN = "forbidden", NOT_PERMITTED, "The address is not open to the key."
    NOT_FOUND = (
        "not_found",
        MISSING,
        "There is nothing of this name, or nothing that the person may see.",
    )
    METHOD_NOT_ALLOWED = "method_not_allowed", METHOD, "The address does not take this method."
    MODEL_NOT_FOUND = "model_not_found", MISSING, "There is no model of this name."
    NO_CHAT_TEMPLATE = "no_chat_template", MISSING, "The model continues texts and takes no chats."
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        INVALID,
        "The idempotency key was used for another request.",
    )
    RATE_LIMITED = "rate_limited", RATE, "More was sent within a minute than is read."
    QUEUE_FULL = "queue_full", RATE, "The person's share of the model's queue is full."
    TOO_MANY_JOBS = "too_many_jobs", RATE, "The person has as many runs under way as one may have."
    FILES_FULL = "files_full", QUOTA, "The person keeps as many files as one may keep."
    FILE_IN_USE = "file_in_use", INVALID, "A batch still runs with the file."
    MODEL_LOADING = "model_loading", UNAVAILABLE, "The model's tokenizer is not known yet."
    COMPILER_BUSY = "compiler_busy", UNAVAILABLE, "Structures cannot be checked now."
    CANCELLED = "cancelled", INVALID, "The run was stopped."
    WORKER_LOST = "worker_lost", UNAVAILABLE, "The run lost its worker too often."
    EXPIRED_IN_QUEUE = "expired_in_queue", UNAVAILABLE, "The run waited longer than runs may wait."
    DEADLINE_EXCEEDED = "deadline_exceeded", BROKEN, "The run took longer than runs may take."
    ENGINE_ERROR = "engine_error", BROKEN, "The engine failed on the run."
    SERVER_ERROR = "server_error", FAULT, "Something broke on our side."

    # Who may, and when.
    REVIEWERS_ONLY = "reviewers_only", NOT_PERMITTED, "Only a reviewer may do this."
    OPERATORS_ONLY = "operators_only", NOT_PERMITTED, "Only an operator may do this."
    OWN_APPLICATION = "own_application", NOT_PERMITTED, "Nobody decides on their own application."
    OWN_GRANT = "own_grant", NOT_PERMITTED, "Nobody changes their own access."
    OWN_RENEWAL = "own_renewal", NOT_PERMITTED, "Nobody decides on their own renewal."
    OWN_PERSON = "own_person", NOT_PERMITTED, "Nobody decides about their own account."
    OWN_TEAM = "own_team", NOT_PERMITTED, "The reviewer stands too near to the person."
    DECIDED_BEFORE = (
        "decided_before",
        NOT_PERMITTED,
        "Somebody who has not decided on it before has to.",
    )
    NOT_YOUR_APPLICATION = (
        "not_your_application",
        NOT_PERMITTED,
        "The application is somebody else's.",
    )
    NOT_YOUR_GRANT = "not_your_grant", NOT_PERMITTED, "The grant is somebody else's."
    NOT_YOUR_RENEWAL = "not_your_renewal", NOT_PERMITTED, "The renewal is somebody else's."
    NOT_YOUR_DENIAL = "not_your_denial", NOT_PERMITTED, "The entry is about somebody else."
    NOT_YOUR_MEMBERSHIP = "not_your_membership", NOT_PERMITTED, "The membership is somebody else's."
    CHANGED_MEANWHILE = (
        "changed_meanwhile",
        CONFLICT,
        "Somebody else was first; the message says what holds now.",
    )
    SAVED_MEANWHILE = (
        "saved_meanwhile",
        CONFLICT,
        "What would be replaced was saved by somebody else meanwhile.",
    )
    CLAIMED_BY_OTHER = "claimed_by_other", CONFLICT, "Another reviewer holds it."
    ALREADY_ENDORSED = (
        "already_endorsed",
        CONFLICT,
        "The reviewer gave the first of two approvals already.",
    )
    HOLD_OVER = "hold_over", CONFLICT, "The applicant has been told; the decision can be reopened."
    DECISION_HELD = "decision_held", INVALID, "The decision has not been told yet."
    APPLICATION_PENDING = "application_pending", INVALID, "The application is with the reviewers."
    APPLICATION_CLOSED = "application_closed", INVALID, "The application is closed."
    OTHER_APPLICATION_OPEN = (
        "other_application_open",
        INVALID,
        "Another application of the same person is open.",
    )
    TOO_SOON = "too_soon", INVALID, "This may be done later; the message says when."
    TOO_MANY = "too_many", INVALID, "These are more than may be done at once."
    TWO_REVIEWERS = "two_reviewers", INVALID, "The model asks for two reviewers, one by one."
    NOT_IN_BULK = "not_in_bulk", INVALID, "The command is given one by one."
    NOTHING_CHOSEN = "nothing_chosen", INVALID, "Nothing is chosen."
    UNKNOWN_COMMAND = "unknown_command", INVALID, "There is no such command."
    NOT_CLAIMED = "not_claimed", INVALID, "The reviewer does not hold it."
    NOT_FOR_THEM = "not_for_them", INVALID, "The other reviewer cannot take it."
    ABSENT = "absent", INVALID, "The reviewer is out of office."

    # Applications and decisions.
    MODELS_MISSING = "models_missing", INVALID, "No model is chosen."
    CAPABILITIES_MISSING = "capabilities_missing", INVALID, "No way of use is chosen."
    NOT_ASKED_FOR = "not_asked_for", INVALID, "The application does not ask for this."
    NEEDS_OVERRIDE = "needs_override", INVALID, "An approval needs a reason in spite of a flag."
    END_NOT_IN_FUTURE = "end_not_in_future", INVALID, "The end has to be in the future."
    END_TOO_FAR = "end_too_far", INVALID, "The end is too far away."
    END_NOT_LATER = "end_not_later", INVALID, "The new end has to be after the old one."
    APPEALED_BEFORE = "appealed_before", INVALID, "The application was appealed before."
    NOTHING_TO_APPEAL = "nothing_to_appeal", INVALID, "There is nothing to appeal."
    DENIED = "denied", INVALID, "The person is on the denylist."
    DENIED_ALREADY = "denied_already", INVALID, "This is on the denylist already."
    NO_DENIAL = "no_denial", INVALID, "The person is on no denylist."
    REFEREE_MISSING = "referee_missing", INVALID, "The model asks for a referee."
    TEXT_MISSING = "text_missing", INVALID, "A text is missing."
    TEXT_TOO_LONG = "text_too_long", INVALID, "A text is too long."
    REPLIES_INVALID = "replies_invalid", INVALID, "The release's file of replies is wrong."

    # Grants, renewals, statements.
    GRANT_SUSPENDED = "grant_suspended", INVALID, "The access is suspended."
    GRANT_NOT_HELD = "grant_not_held", INVALID, "The access has ended."
    GRANT_ENDED = "grant_ended", INVALID, "The access has ended already."
    GRANTS_MISSING = "grants_missing", INVALID, "No access is chosen."
    NOTHING_TO_EXTEND = "nothing_to_extend", INVALID, "None of the grants can last longer."
    NOT_RENEWABLE = "not_renewable", INVALID, "The access cannot be renewed now."
    NOTHING_TO_RENEW = "nothing_to_renew", INVALID, "There is nothing to renew."
    RENEWAL_PENDING = "renewal_pending", INVALID, "The renewal is with the reviewers."
    STATEMENT_MISSING = (
        "statement_missing",
        INVALID,
        "The destruction of the weights has to be stated first.",
    )
    ALREADY_STATED = "already_stated", INVALID, "The statement was made already."
    NOT_OWED = "not_owed", INVALID, "No statement is owed for it."
    NOTHING_OWED = "nothing_owed", INVALID, "No statement is owed."
    DATE_IN_FUTURE = "date_in_future", INVALID, "The day is in the future."
    DATE_BEFORE_GRANT = "date_before_grant", INVALID, "The day is before the access began."

    # Licences.
    ALREADY_SIGNED = "already_signed", INVALID, "The version is signed already."
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
        "The licence's text holds a NUL.",
    )
    LICENCE_TEXT_UNCHANGED = "licence_text_unchanged", INVALID, "This text was published before."
    RELEASE_NOT_LOADED = "release_not_loaded", INVALID, "No release is loaded."
    DEPLOYMENT_MISSING = "deployment_missing", INVALID, "A live model needs a deployment."

    # Teams and vouchers.
    NO_TEAM = "no_team", INVALID, "The application has no team."
    TEAM_FULL = "team_full", INVALID, "The team is full."
    OWN_ADDRESS = "own_address", INVALID, "The address is the person's own."
    INVALID_ADDRESS = "invalid_address", INVALID, "This is no e-mail address."
    INVITED_ALREADY = "invited_already", INVALID, "The address is invited already."
    NOT_INVITED = "not_invited", INVALID, "There is no invitation of this kind."
    MEMBER_ALREADY = "member_already", INVALID, "The person is in the team already."
    ASKED_ALREADY = "asked_already", INVALID, "The person is asked already."
    NOBODY_ASKED = "nobody_asked", INVALID, "Nobody still has to answer."
    TOO_MANY_NAMED = "too_many_named", INVALID, "As many people as may be were named."
    TOO_MANY_LINKS = "too_many_links", INVALID, "As many links as may be were sent."
    MAIL_SERVICE = "mail_service", INVALID, "Anybody can have an address at this domain."
    NOT_FOR_DOMAIN = "not_for_domain", INVALID, "The domain cannot be authorised."
    LINK_WRONG = "link_wrong", INVALID, "The link is wrong."
    LINK_USED = "link_used", INVALID, "The link was used."
    LINK_EXPIRED = "link_expired", INVALID, "The link has expired."
    LINK_REPLACED = "link_replaced", INVALID, "A newer link was sent."
    LINK_CLOSED = "link_closed", INVALID, "The link is not needed any more."
    LINK_OPEN = "link_open", INVALID, "The link is still good."

    # Accounts.
    ACCOUNT_IN_USE = "account_in_use", INVALID, "The account's application is open."
    STAFF_ACCOUNT = "staff_account", INVALID, "The account is one of the staff's."
    ALREADY_REQUESTED = "already_requested", INVALID, "This was asked for already."
    HOLDS_A_ROLE = "holds_a_role", INVALID, "The person holds a role here."
    HOLDS_CLAIMS = "holds_claims", INVALID, "The person holds cases."
    LAST_OPERATOR = "last_operator", INVALID, "The person is the only operator."
    NOT_A_DEMO = "not_a_demo", INVALID, "This is for the demo alone."

    # Webhooks.
    INVALID_URL = "invalid_url", INVALID, "This is no address of the web."
    HTTPS_ONLY = "https_only", INVALID, "The address has to begin with https://."
    UNKNOWN_HOST = "unknown_host", INVALID, "The host has no address."
    PRIVATE_ADDRESS = "private_address", INVALID, "The host is not a public one."
    ENDPOINT_OFF = "endpoint_off", INVALID, "The endpoint is turned off."
