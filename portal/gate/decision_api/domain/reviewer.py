"""Who may decide by program: a reviewer with a key for it, checked at every call."""

from __future__ import annotations

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.authentication import require_scope
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


def require_reviewer(key: ApiKey) -> User:
    """The reviewer whose key it is.

    Raises `KeyRefused` (`key_scope`) for a key without the scope, and `DomainError`
    (`reviewers_only`) if its owner is no longer a reviewer.
    """
    require_scope(key, KeyScope.DECISIONS)
    if not (key.user.is_reviewer and key.user.is_active):
        raise DomainError(
            RefusalCode.REVIEWERS_ONLY,
            "The owner of this key is not a reviewer. A reviewer's key is needed.",
        )
    return key.user
