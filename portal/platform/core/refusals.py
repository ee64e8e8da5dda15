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

    def __new__(cls, value: str, meaning: str = "", shape: Shape = INVALID) -> Self:
        """A string with its meaning and shape; `RefusalCode(text)` finds the member."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.shape = shape
        member.meaning = meaning
        return member

    # Access to a model, as `decide` returns it.
    NOT_SIGNED_IN = "not_signed_in", "Nobody is signed in.", NOT_PERMITTED
    EMAIL_UNVERIFIED = (
        "email_unverified",
        "The e-mail address of the account is not confirmed.",
        NOT_PERMITTED,
    )
    MFA_REQUIRED = "mfa_required", "The account needs a second factor.", NOT_PERMITTED
    LICENCE_UNSIGNED = "licence_unsigned", "The model's licence is not signed.", NOT_PERMITTED
    LICENCE_OUTDATED = (
        "licence_outdated",
        "The licence has changed and must be signed again.",
        NOT_PERMITTED,
    )
    NO_APPLICATION = "no_application", "There is no application for the model.", NOT_PERMITTED
    PENDING = "pending", "The application is waiting for a reviewer.", NOT_PERMITTED
    RETURNED = "returned", "The application was returned for changes.", NOT_PERMITTED
    REJECTED = "rejected", "The application was rejected.", NOT_PERMITTED
    GRANT_EXPIRED = "grant_expired", "The access has expired.", NOT_PERMITTED
    SUSPENDED = "suspended", "The access is suspended.", NOT_PERMITTED
    REVOKED = "revoked", "The access was revoked.", NOT_PERMITTED
    MODEL_OFFLINE = "model_offline", "The model is not loaded now.", OFFLINE
    QUOTA_EXCEEDED = "quota_exceeded", "The remaining daily quota of tokens is too small.", QUOTA
    ACCESS_ENDED = "access_ended", "The run was stopped because the access ended.", NOT_PERMITTED

    # Keys.
    INVALID_API_KEY = "invalid_api_key", "This is not a valid API key.", UNAUTHENTICATED
    KEY_EXPIRED = "key_expired", "The API key has expired.", UNAUTHENTICATED
    KEY_REVOKED = "key_revoked", "The API key was revoked.", UNAUTHENTICATED
    KEY_SCOPE = "key_scope", "The API key lacks the scope for this.", NOT_PERMITTED
    KEY_MODEL = "key_model", "The API key is not for this model.", NOT_PERMITTED
    TOO_MANY_KEYS = "too_many_keys", "The person has the maximum number of keys."
    ACCOUNT_CLOSED = "account_closed", "The account is closed."

    # A login by browser, in the words of RFC 8628 and RFC 6749.
    AUTHORIZATION_PENDING = "authorization_pending", "Nobody has answered the login yet."
    SLOW_DOWN = "slow_down", "The program asks more often than it may."
    EXPIRED_TOKEN = "expired_token", "The code of the login has expired."
    ACCESS_DENIED = "access_denied", "The login was denied."
    INVALID_GRANT = "invalid_grant", "The code of the login is unknown or was used."
    UNSUPPORTED_GRANT_TYPE = (
        "unsupported_grant_type",
        "Keys are given for the codes of a login only.",
    )
    CODE_UNKNOWN = "code_unknown", "No login with this code is waiting for an answer."
    TOO_MANY_LOGINS = (
        "too_many_logins",
        "Too many logins, or wrong codes, came from one address.",
        RATE,
    )

    # Requests and runs.
    INVALID_VALUE = (
        "invalid_value",
        "A field has a value that is not allowed; `param` names the field.",
    )
    INVALID_REQUEST = "invalid_request", "The engine refused the request."
    UNSUPPORTED_PARAMETER = "unsupported_parameter", "A field is known but not supported."
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        "The body has an encoding that is not supported.",
        MEDIA_TYPE,
    )
    CONTEXT_LENGTH_EXCEEDED = (
        "context_length_exceeded",
        "Prompt and completion do not fit into the model's context.",
    )
    REQUEST_TIMEOUT = "request_timeout", "The body did not arrive in time.", TIMEOUT
    REQUEST_TOO_LARGE = "request_too_large", "The body or the file is too large.", TOO_LARGE
    HTTPS_REQUIRED = "https_required", "The API is served over HTTPS only.", NOT_PERMITTED
    FORBIDDEN = "forbidden", "The address is not open to the key.", NOT_PERMITTED
    NOT_FOUND = "not_found", "It does not exist, or the person may not see it.", MISSING
    METHOD_NOT_ALLOWED = "method_not_allowed", "The address does not accept this method.", METHOD
    MODEL_NOT_FOUND = "model_not_found", "There is no model with this name.", MISSING
    NO_CHAT_TEMPLATE = "no_chat_template", "The model has no chat template.", MISSING
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        "The idempotency key was already used for another request.",
    )
    RATE_LIMITED = "rate_limited", "More bytes were sent within a minute than are read.", RATE
    QUEUE_FULL = "queue_full", "The person's share of the model's queue is full.", RATE
    TOO_MANY_JOBS = "too_many_jobs", "The person has the maximum number of active runs.", RATE
    FILES_FULL = "files_full", "The person has reached the limit on stored files.", QUOTA
    FILE_IN_USE = "file_in_use", "A batch still uses the file."
    MODEL_LOADING = "model_loading", "The model's tokenizer is not known yet.", UNAVAILABLE
    COMPILER_BUSY = "compiler_busy", "Output structures cannot be checked now.", UNAVAILABLE
    CANCELLED = "cancelled", "The run was stopped."
    WORKER_LOST = "worker_lost", "The run lost its worker too often.", UNAVAILABLE
    EXPIRED_IN_QUEUE = "expired_in_queue", "The run waited too long in the queue.", UNAVAILABLE
    DEADLINE_EXCEEDED = "deadline_exceeded", "The run took too long.", BROKEN
    ENGINE_ERROR = "engine_error", "The engine failed on the run.", BROKEN
    SERVER_ERROR = "server_error", "Something broke on our side.", FAULT

    # Weights.
    REPOSITORY_NOT_FOUND = "repository_not_found", "There is no such repository.", MISSING
    REVISION_NOT_FOUND = "revision_not_found", "The repository has no such revision.", MISSING
    FILE_NOT_FOUND = "file_not_found", "The revision has no such file or folder.", MISSING
    RANGE_NOT_SATISFIABLE = (
        "range_not_satisfiable",
        "The requested bytes are behind the end of the file.",
        Shape(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
    )
    DOWNLOAD_QUOTA_EXCEEDED = (
        "download_quota_exceeded",
        "The daily quota of downloaded bytes is spent.",
        QUOTA,
    )
    TOO_MANY_DOWNLOADS = (
        "too_many_downloads",
        "The person has the maximum number of downloads under way.",
        Shape(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_error", RETRY_SOON),
    )
    LINK_ENDED = (
        "link_ended",
        "The link to weights is incomplete, has expired, or was ended.",
        NOT_PERMITTED,
    )
    FILE_UNREADABLE = (
        "file_unreadable",
        "The file is missing on the server, or is not what was published.",
        BROKEN,
    )
    PARQUET_UNAVAILABLE = (
        "parquet_unavailable",
        "The site has no program that writes Parquet.",
        MISSING,
    )
    NOT_PUBLISHABLE = "not_publishable", "The folder cannot be published as it is."
    REVISION_TAKEN = "revision_taken", "The name belongs to another revision."

    # Permissions and order of commands.
    REVIEWERS_ONLY = "reviewers_only", "Only a reviewer may do this.", NOT_PERMITTED
    OPERATORS_ONLY = "operators_only", "Only an operator may do this.", NOT_PERMITTED
    OWN_APPLICATION = (
        "own_application",
        "Nobody may decide on their own application.",
        NOT_PERMITTED,
    )
    OWN_GRANT = "own_grant", "Nobody may change their own access.", NOT_PERMITTED
    OWN_RENEWAL = "own_renewal", "Nobody may decide on their own renewal.", NOT_PERMITTED
    OWN_PERSON = "own_person", "Nobody may decide about their own account.", NOT_PERMITTED
    OWN_TEAM = "own_team", "The person is too close to this case or team.", NOT_PERMITTED
    DECIDED_BEFORE = (
        "decided_before",
        "The person has decided on this before; somebody else must act.",
        NOT_PERMITTED,
    )
    NOT_YOUR_APPLICATION = (
        "not_your_application",
        "The application belongs to another person.",
        NOT_PERMITTED,
    )
    NOT_YOUR_GRANT = "not_your_grant", "The grant belongs to another person.", NOT_PERMITTED
    NOT_YOUR_RENEWAL = "not_your_renewal", "The renewal belongs to another person.", NOT_PERMITTED
    NOT_YOUR_DENIAL = "not_your_denial", "The entry is about another person.", NOT_PERMITTED
    NOT_YOUR_MEMBERSHIP = (
        "not_your_membership",
        "The membership is another person's.",
        NOT_PERMITTED,
    )
    CHANGED_MEANWHILE = (
        "changed_meanwhile",
        "It was changed meanwhile; the message gives the current state.",
        CONFLICT,
    )
    SAVED_MEANWHILE = "saved_meanwhile", "The value to be replaced was changed meanwhile.", CONFLICT
    CLAIMED_BY_OTHER = "claimed_by_other", "Another reviewer has claimed it.", CONFLICT
    ALREADY_ENDORSED = (
        "already_endorsed",
        "The reviewer already gave the first of two approvals.",
        CONFLICT,
    )
    HOLD_OVER = "hold_over", "The applicant was notified; the decision can be reopened.", CONFLICT
    DECISION_HELD = "decision_held", "The applicant is not notified of the decision yet."
    APPLICATION_PENDING = "application_pending", "The application is with the reviewers."
    APPLICATION_CLOSED = "application_closed", "The application is closed."
    OTHER_APPLICATION_OPEN = (
        "other_application_open",
        "Another application of the same person is open.",
    )
    TOO_SOON = "too_soon", "This is possible later; the message says when."
    TOO_MANY = "too_many", "These are too many to do together."
    TWO_REVIEWERS = "two_reviewers", "The model needs two reviewers, one after the other."
    NOT_IN_BULK = "not_in_bulk", "The command cannot be given in bulk."
    NOTHING_CHOSEN = "nothing_chosen", "Nothing is chosen."
    UNKNOWN_COMMAND = "unknown_command", "There is no such command."
    NOT_CLAIMED = "not_claimed", "The reviewer has not claimed it."
    NOT_FOR_THEM = "not_for_them", "The other reviewer cannot take this on."
    ABSENT = "absent", "The reviewer is out of office."

    # Applications and decisions.
    MODELS_MISSING = "models_missing", "No model is chosen."
    CAPABILITIES_MISSING = "capabilities_missing", "No capability is chosen."
    NOT_ASKED_FOR = "not_asked_for", "The application does not request this."
    NEEDS_OVERRIDE = "needs_override", "An approval despite a flag needs a reason."
    END_NOT_IN_FUTURE = "end_not_in_future", "The end must be in the future."
    END_TOO_FAR = "end_too_far", "The end is too far in the future."
    END_NOT_LATER = "end_not_later", "The new end must be after the old one."
    APPEALED_BEFORE = "appealed_before", "The decision was appealed before."
    NOTHING_TO_APPEAL = "nothing_to_appeal", "There is nothing to appeal."
    DENIED = "denied", "The person is on the denylist."
    DENIED_ALREADY = "denied_already", "This is already on the denylist."
    NO_DENIAL = "no_denial", "The person is not on the denylist."
    REFEREE_MISSING = "referee_missing", "The model requires a referee."
    TEXT_MISSING = "text_missing", "A text is missing."
    TEXT_TOO_LONG = "text_too_long", "A text is too long."
    REPLIES_INVALID = "replies_invalid", "The release's file of replies is wrong."

    # Grants, renewals, statements.
    GRANT_SUSPENDED = "grant_suspended", "The access is suspended."
    GRANT_NOT_HELD = "grant_not_held", "The access has ended."
    GRANT_ENDED = "grant_ended", "The access has already ended."
    GRANTS_MISSING = "grants_missing", "No access is chosen."
    NOTHING_TO_EXTEND = "nothing_to_extend", "None of the grants can be extended."
    NOT_RENEWABLE = "not_renewable", "The access cannot be renewed now."
    NOTHING_TO_RENEW = "nothing_to_renew", "There is nothing to renew."
    RENEWAL_PENDING = "renewal_pending", "The renewal is with the reviewers."
    STATEMENT_MISSING = "statement_missing", "The destruction of the weights must be stated first."
    ALREADY_STATED = "already_stated", "The statement was already made."
    NOT_OWED = "not_owed", "No statement is owed for it."
    NOTHING_OWED = "nothing_owed", "No statement is owed."
    DATE_IN_FUTURE = "date_in_future", "The day is in the future."
    DATE_BEFORE_GRANT = "date_before_grant", "The day is before the access began."

    # Licences.
    ALREADY_SIGNED = "already_signed", "The version is already signed."
    NOTHING_TO_SIGN = "nothing_to_sign", "There is nothing to sign again."
    LICENCE_VERSION_NOT_EFFECTIVE = (
        "licence_version_not_effective",
        "The version is not in force yet.",
    )
    LICENCE_VERSION_SUPERSEDED = "licence_version_superseded", "A newer version is in force."
    LEGAL_NAME_MISSING = "legal_name_missing", "The full legal name is missing."
    ENTITY_MISSING = "entity_missing", "The organisation is missing."
    AUTHORITY_MISSING = (
        "authority_missing",
        "The authority to bind the organisation is not confirmed.",
    )
    LICENCE_TEXT_EMPTY = "licence_text_empty", "The licence has no text."
    LICENCE_TEXT_NOT_STORABLE = "licence_text_not_storable", "The licence's text contains a NUL."
    LICENCE_TEXT_UNCHANGED = "licence_text_unchanged", "This text was published before."
    RELEASE_NOT_LOADED = "release_not_loaded", "No release is loaded."
    DEPLOYMENT_MISSING = "deployment_missing", "A live model needs a deployment."

    # Teams and vouchers.
    NO_TEAM = "no_team", "The application has no team."
    TEAM_FULL = "team_full", "The team is full."
    OWN_ADDRESS = "own_address", "The address is the person's own."
    INVALID_ADDRESS = "invalid_address", "This is not an e-mail address."
    INVITED_ALREADY = "invited_already", "The address is already invited."
    NOT_INVITED = "not_invited", "There is no such invitation."
    MEMBER_ALREADY = "member_already", "The person is already in the team."
    ASKED_ALREADY = "asked_already", "The person was already asked."
    NOBODY_ASKED = "nobody_asked", "Nobody is left to answer."
    TOO_MANY_NAMED = "too_many_named", "The maximum number of people was named."
    TOO_MANY_LINKS = "too_many_links", "The maximum number of links was sent."
    MAIL_SERVICE = "mail_service", "Anybody can have an address at this domain."
    NOT_FOR_DOMAIN = "not_for_domain", "The domain cannot be authorised."
    LINK_WRONG = "link_wrong", "The link is not correct."
    LINK_USED = "link_used", "The link was already used."
    LINK_EXPIRED = "link_expired", "The link has expired."
    LINK_REPLACED = "link_replaced", "A newer link was sent."
    LINK_CLOSED = "link_closed", "The link is no longer needed."
    LINK_OPEN = "link_open", "The link still works."

    # Accounts.
    ACCOUNT_IN_USE = "account_in_use", "The account has an open application or access in force."
    STAFF_ACCOUNT = "staff_account", "The account belongs to a member of staff."
    ALREADY_REQUESTED = "already_requested", "This was already requested."
    HOLDS_A_ROLE = "holds_a_role", "The person has a role on this site."
    HOLDS_CLAIMS = "holds_claims", "The person has claimed cases."
    LAST_OPERATOR = "last_operator", "The person is the only operator."
    NOT_A_DEMO = "not_a_demo", "This is for the demo only."

    # Webhooks.
    INVALID_URL = "invalid_url", "This is not a web address."
    HTTPS_ONLY = "https_only", "The address must begin with https://."
    UNKNOWN_HOST = "unknown_host", "The host has no address."
    PRIVATE_ADDRESS = "private_address", "The host's address is not public."
    ENDPOINT_OFF = "endpoint_off", "The endpoint is turned off."
