"""The page behind an invitation's link."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.gate.teams.domain.joining import (
    Invitation,
    decline_invitation,
    join_team,
    read_invitation,
    unsigned_licences,
)
from portal.gate.teams.enums import InvitationStanding
from portal.gate.teams.models import Member
from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.rate_limit import pace_links

STATUSES = {InvitationStanding.WRONG: 404, InvitationStanding.USED: 200}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pace_links("join")
def join(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Show the invitation and what is left to do; looking does not use up the link."""
    invitation = read_invitation(pk, token, at=timezone.now())
    if invitation.member is None or invitation.standing != InvitationStanding.OPEN:
        return _explain(request, invitation)
    refusal: DomainError | None = None
    if request.method == "POST" and isinstance(request.user, User):
        try:
            join_team(invitation.member, by=request.user)
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, "You have joined. Your access is open.")
            return redirect("access:status")
    context = _describe(request, invitation.member, token)
    status = 422 if refusal else 200
    return render(request, "gate/teams/join.html", {**context, "refusal": refusal}, status=status)


@require_POST
@never_cache
@pace_links("join")
def decline(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Decline an invitation; no account is needed."""
    invitation = read_invitation(pk, token, at=timezone.now())
    if invitation.member is None or invitation.standing != InvitationStanding.OPEN:
        return _explain(request, invitation)
    try:
        decline_invitation(invitation.member)
    except DomainError:
        return _explain(request, read_invitation(pk, token, at=timezone.now()))
    return render(request, "gate/teams/declined.html")


def _describe(request: HttpRequest, member: Member, token: str) -> dict[str, object]:
    person = request.user if isinstance(request.user, User) else None
    is_verified = person is not None and is_email_verified(person)
    return {
        "member": member,
        "application": member.team.application,
        "token": token,
        "person": person,
        "is_verified": is_verified,
        "unsigned": unsigned_licences(member, by=person) if person and is_verified else [],
    }


def _explain(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    context = {"standing": str(invitation.standing), "member": invitation.member}
    status = STATUSES.get(invitation.standing, 410)
    return render(request, "gate/teams/link.html", context, status=status)
