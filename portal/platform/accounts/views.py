"""A person's own account."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from portal.platform.accounts.domain.naming import change_name
from portal.platform.accounts.domain.overview import describe_account
from portal.platform.accounts.forms import NameForm
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User
from portal.platform.core.fingerprints import SavedMeanwhile
from portal.platform.core.form_origin import read_origin
from portal.platform.core.personal import personal
from portal.platform.core.unsent import forget_unsent


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def overview(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show the account's state; a POST changes the name."""
    # A copy, so that a refused name does not appear in the masthead as if it were saved.
    person = User.objects.get(pk=request.user.pk)
    form = NameForm(request.POST or None, instance=person, saved=request.user.name)
    if request.method == "POST" and form.is_valid():
        try:
            change_name(request.user, **form.cleaned_data)
        except SavedMeanwhile as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "Your name was changed.")
            return redirect("accounts:overview")
    return render(
        request,
        "platform/accounts/overview.html",
        {"form": form, "account": describe_account(request.user)},
    )


@require_POST
@login_required
def discard_unsent(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Discard what was sent from a page and not accepted, and show that page."""
    origin = read_origin(request)
    if origin is None:
        return redirect("accounts:overview")
    forget_unsent(request, person_id=request.user.pk, page=origin.page)
    return redirect(origin.page)
