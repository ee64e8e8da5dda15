"""The owner's side of links: making, listing, revoking."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.lab.playground.own_runs import require_run
from portal.lab.sharing.domain.links import create_link, revoke_link
from portal.lab.sharing.domain.listing import list_links
from portal.lab.sharing.forms import ShareForm
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.page_forms import refusals_in, render_form
from portal.platform.core.personal import personal


@require_safe
@personal
def show_list(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The person's links, those that work first."""
    rows = list_links(request.user, at=timezone.now())
    context = {
        "working": [row for row in rows if row.works],
        "ended": [row for row in rows if not row.works],
    }
    return render(request, "lab/sharing/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def share(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """The form that makes a link; afterwards the run's page shows the link."""
    job = require_run(request, job_id)
    form = ShareForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        with refusals_in(form):
            create_link(job, by=request.user, **form.to_terms())
            return redirect(f"{reverse('playground:run', args=[job.pk])}#share")
    return render_form(request, "lab/sharing/share.html", {"form": form, "job": job})


@require_POST
@personal
def revoke(request: AuthenticatedHttpRequest, link_id: UUID) -> HttpResponse:
    """End a link for good."""
    if revoke_link(link_id, by=request.user):
        messages.success(request, "The link no longer works.")
    else:
        messages.warning(request, "This link had already ended.")
    return redirect("sharing:list")
