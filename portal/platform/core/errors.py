"""Errors that a person can act on: a code, a sentence, and the way out."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied

from portal.platform.core.refusals import RefusalCode


class DomainError(Exception):
    """A refusal by a business rule.

    `code` is one from the table in `refusals`; `message` is a sentence for the person;
    `field` names the input at fault, if there is one; `next_url` is where to continue.
    """

    def __init__(
        self,
        code: RefusalCode,
        message: str,
        *,
        field: str | None = None,
        next_url: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = RefusalCode(code)
        self.message = message
        self.field = field
        self.next_url = next_url


def invalid_value(message: str, *, field: str | None = None) -> DomainError:
    """The commonest refusal: a value in the field is not allowed."""
    return DomainError(RefusalCode.INVALID_VALUE, message, field=field)


def rename_field(error: DomainError, names: Mapping[str, str]) -> DomainError:
    """The same refusal, with the field's name in another form of the request."""
    if error.field is None or error.field not in names:
        return error
    return DomainError(error.code, error.message, field=names[error.field], next_url=error.next_url)


class RoleRequired(PermissionDenied):
    """A page is for other people; `roles` says for whom, such as “auditors”."""

    def __init__(self, roles: str) -> None:
        super().__init__(roles)
        self.roles = roles


class LostRace(DomainError):  # noqa: N818 -- it names what happened, as the state machine does
    """Somebody else changed the row first; the caller shows the new state."""

    def __init__(self, message: str = "This changed while you were looking at it.") -> None:
        super().__init__(RefusalCode.CHANGED_MEANWHILE, message)
