"""Removing a member from a team."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.desk import ExpelForm
from portal.gate.teams.domain.leaving import expel_member
from portal.gate.teams.models import Member
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.page_forms import render_form
from portal.platform.core.unsent import turn_away


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def expel(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Ask for the reason, then remove the member."""
    members = Member.objects.select_related("team__application__applicant", "user")
    member = get_object_or_404(members, pk=pk)
    case_number = member.team.application.case_number
    form = ExpelForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            expel_member(member, by=request.user, reason=form.cleaned_data["reason"])
        except LostRace as error:
            page = reverse("console:application", args=[case_number])
            return turn_away(request, error, to=page)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Removed. The member and the team's lead get a mail.")
            return redirect("console:application", case_number)
    context = {"member": member, "application": member.team.application, "form": form}
    return render_form(request, "desk/console/grants/member.html", context)
