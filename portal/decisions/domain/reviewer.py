"""Who may decide by program: a reviewer with a key for it, asked at every call."""

from __future__ import annotations

from portal.accounts.models import User
from portal.core.errors import DomainError
from portal.keys.domain.authentication import require_scope
from portal.keys.enums import KeyScope
from portal.keys.models import ApiKey


def require_reviewer(key: ApiKey) -> User:
    """The reviewer whose key it is.

    Raises `KeyRefused` (`key_scope`) for a key without the scope, and `DomainError`
    (`reviewers_only`) from the moment in which its owner is no reviewer any more.
    """
    require_scope(key, KeyScope.DECISIONS)
    if not (key.user.is_reviewer and key.user.is_active):
        raise DomainError(
            "reviewers_only", "The owner of this key is not a reviewer. A reviewer's key is needed."
        )
    return key.user
