"""Erasing a person from teams: their own, and those that they were in."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from portal.gate.access.models import Grant
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member
from portal.platform.accounts.models import User
from portal.platform.notices.models import Notice


def erase_member(person: User) -> None:
    """Wipe the addresses of the person's own memberships and of everybody whom they invited.

    Open invitations by them and to them are cancelled. Their membership itself is kept, under
    the account's number. In the caller's transaction.
    """
    rows = Member.objects.filter(
        Q(user=person) | Q(email__iexact=person.email) | Q(team__application__applicant=person)
    )
    found = list(rows.values_list("pk", "email"))
    for pk, email in found:
        Notice.objects.filter(address__iexact=email, data__member=pk).delete()
    erased = Member.objects.filter(pk__in=[pk for pk, _ in found])
    erased.filter(state=MemberState.INVITED).update(
        state=MemberState.CANCELLED, ended_at=timezone.now()
    )
    erased.update(email="", digest="", reason="")
    Grant.objects.filter(user=person).update(reason="")
