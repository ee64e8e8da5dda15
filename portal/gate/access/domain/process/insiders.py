"""Who stands too near to an applicant to decide about them, beside the applicant."""

from __future__ import annotations

from collections.abc import Callable

from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError

Finder = Callable[[int, User], str]
_FINDERS: list[Finder] = []


def register_insiders(find: Finder) -> None:
    """Let a capability above this one say how a reviewer stands to a person by their id: in a
    few words such as `in their team`, or empty.
    """
    _FINDERS.append(find)


def nearness(person_id: int, reviewer: User) -> str:
    """How the reviewer stands to the person; empty for strangers."""
    return next(filter(None, (find(person_id, reviewer) for find in _FINDERS)), "")


def is_outsider(person_id: int, reviewer: User) -> bool:
    """Whether the reviewer is neither the person nor near to them."""
    return person_id != reviewer.pk and not nearness(person_id, reviewer)


def require_outsider(person_id: int, *, by: User) -> None:
    """Raise `DomainError` (`own_team`) where a reviewer stands too near to decide."""
    if how := nearness(person_id, by):
        raise DomainError("own_team", f"You are {how}. Another reviewer decides.")
