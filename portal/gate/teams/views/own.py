"""A lead's page about their team, and a member's leaving."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.gate.access.models import Application
from portal.gate.teams.domain.invitations import (
    class_end,
    has_team,
    invite_again,
    invite_member,
    make_class,
)
from portal.gate.teams.domain.leaving import leave_team, remove_member
from portal.gate.teams.domain.team_view import list_members
from portal.gate.teams.enums import CURRENT_STATES, MemberState
from portal.gate.teams.forms import ClassForm, InviteForm
from portal.gate.teams.models import Member, Team
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.page_forms import refusals_in
from portal.platform.core.personal import personal


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def show_team(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """The members of the team, and the form that invites."""
    application = _get_own(request, case_number)
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with refusals_in(form):
            invite_member(application, by=request.user, email=form.cleaned_data["email"])
            messages.success(
                request, f"An invitation is on its way to {form.cleaned_data['email']}."
            )
            return redirect("teams:own", case_number)
    return _render(request, application, invite=form, status=422 if form.errors else 200)


@require_POST
@personal
def set_class(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """Make the team a class, or a team again."""
    application = _get_own(request, case_number)
    team = Team.objects.filter(application=application).first()
    form = ClassForm(request.POST, saved=class_end(team))
    if form.is_valid():
        with refusals_in(form):
            make_class(
                application,
                by=request.user,
                ends_at=form.cleaned_data["ends_on"],
                seen=form.cleaned_data["seen"],
            )
            messages.success(request, "Saved. The members' access was updated.")
            return redirect("teams:own", case_number)
    return _render(request, application, class_form=form, status=422)


@require_POST
@personal
def remove(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Remove a member, or take back an invitation."""
    return _act(request, pk, lambda member: remove_member(member, by=request.user), "Removed.")


@require_POST
@personal
def resend(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Send an invitation again."""
    done = "A new link is on its way."
    return _act(request, pk, lambda member: invite_again(member, by=request.user), done)


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def leave(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then leave."""
    joined = Member.objects.filter(user=request.user, state=MemberState.JOINED)
    member = get_object_or_404(joined.select_related("team__application__applicant"), pk=pk)
    if request.method != "POST":
        return render(request, "gate/teams/leave.html", {"member": member})
    try:
        leave_team(member, by=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "You have left the team.")
    return redirect("access:status")


def _act(
    request: AuthenticatedHttpRequest, pk: int, act: Callable[[Member], object], done: str
) -> HttpResponse:
    own = Member.objects.filter(team__application__applicant=request.user)
    member = get_object_or_404(own.select_related("team__application"), pk=pk)
    try:
        act(member)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, done)
    return redirect("teams:own", member.team.application.case_number)


def _render(
    request: AuthenticatedHttpRequest,
    application: Application,
    *,
    invite: InviteForm | None = None,
    class_form: ClassForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    team = Team.objects.filter(application=application).first()
    ends_on = team.class_ends_at.date() if team and team.class_ends_at else None
    initial = {"ends_on": ends_on}
    members = list_members(application, at=now)
    context = {
        "application": application,
        "team": team,
        "members": members,
        "left": settings.TEAM_MEMBERS
        - sum(seen.member.state in CURRENT_STATES for seen in members),
        "most": settings.TEAM_MEMBERS,
        "has_team": has_team(application, at=now),
        "form": invite or InviteForm(),
        "class_form": class_form or ClassForm(initial=initial, saved=class_end(team)),
        "now": now,
    }
    return render(request, "gate/teams/own.html", context, status=status)


def _get_own(request: AuthenticatedHttpRequest, case_number: str) -> Application:
    return get_object_or_404(Application, applicant=request.user, case_number=case_number)
