"""People's roles on this site, and changes to them."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.fingerprints import require_unchanged

ROLE_FIELDS = ("is_active", "is_reviewer", "is_auditor", "is_staff")


ROLE_NAMES = {"is_reviewer": "a reviewer", "is_auditor": "an auditor", "is_staff": "an operator"}


def roles_of(person: User | None) -> list[object]:
    """The fields of a person that an operator may change, for a form's fingerprint."""
    return [person.name, *(getattr(person, role) for role in ROLE_FIELDS)] if person else []


def require_roles_seen(person: User, seen: str | None) -> None:
    """Lock the row; raise `SavedMeanwhile` if it differs from what was seen."""
    saved = User.objects.select_for_update().get(pk=person.pk)
    roles = [name for role, name in ROLE_NAMES.items() if getattr(saved, role)]
    state = "open" if saved.is_active else "closed"
    now_is = f"“{saved.name}” is {' and '.join(roles) or 'no member of staff'}, the account {state}"
    require_unchanged(seen, roles_of(saved), now_is=now_is)


@transaction.atomic
def save_roles(person: User, *, actor: User) -> None:
    """Save the person; changes to `ROLE_FIELDS` are audited in the same transaction."""
    before = User.objects.select_for_update().get(pk=person.pk)
    changed = {
        field: getattr(person, field)
        for field in ROLE_FIELDS
        if getattr(before, field) != getattr(person, field)
    }
    person.save()
    if changed:
        record(AuditTag.ROLES_CHANGED, actor=actor, subject=f"user:{person.pk}", data=changed)


@transaction.atomic
def remove_factor(factor: Authenticator, *, actor: User) -> None:
    """Remove a second factor that its owner lost, so that they can add another."""
    subject, kind = f"user:{factor.user_id}", str(factor.type)
    factor.delete()
    record(AuditTag.FACTOR_REMOVED, actor=actor, subject=subject, data={"type": kind})
