"""Who may do what on this site, and how that changes."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.accounts.models import User
from portal.audit.domain.record import record
from portal.audit.enums import AuditTag

ROLE_FIELDS = ("is_active", "is_reviewer", "is_auditor", "is_staff")


@transaction.atomic
def save_roles(person: User, *, actor: User) -> None:
    """Save the person; what changes of `ROLE_FIELDS` is audited in the same transaction."""
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
    """Take away a second factor that its owner lost, so that they can add another."""
    subject, kind = f"user:{factor.user_id}", str(factor.type)
    factor.delete()
    record(AuditTag.FACTOR_REMOVED, actor=actor, subject=subject, data={"type": kind})
