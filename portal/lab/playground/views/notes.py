"""A run's name, star, project and place in its tree; and the person's projects."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.lab.notebook.domain.projects import delete_project, list_projects, save_project
from portal.lab.notebook.domain.records import find_node, note
from portal.lab.notebook.domain.tree import prune
from portal.lab.playground.notes import Notes, view_notes
from portal.lab.playground.notes_forms import NotesForm, ProjectForm
from portal.lab.playground.own_runs import require_run
from portal.lab.playground.sign_in import sign_in_required
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sign_in_required
def notes(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """The part of the run's page below the workbench; a post stores what is noted there."""
    job = require_run(request, job_id)
    if request.method != "POST":
        return _render_notes(request, view_notes(job))
    form = NotesForm(request.POST, user=request.user)
    if not form.is_valid():
        return _render_notes(request, view_notes(job, form=form), HTTPStatus.UNPROCESSABLE_ENTITY)
    note(job, **form.cleaned_data)
    messages.success(request, "Noted.")
    return redirect("playground:run", job.pk)


@require_POST
@sign_in_required
def prune_run(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """Erase the run and all that continue it."""
    erased = prune(find_node(require_run(request, job_id)), actor=request.user)
    messages.success(request, f"{erased} run{'s' * (erased != 1)} deleted.")
    return redirect("playground:history")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sign_in_required
def projects(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The person's projects; a post makes or changes one."""
    form = ProjectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            save_project(request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            return redirect("playground:projects")
    return render(
        request,
        "lab/playground/projects.html",
        {
            "form": form,
            "projects": list_projects(request.user),
            "days": settings.PROMPT_RETENTION_DAYS,
        },
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK,
    )


@require_POST
@sign_in_required
def delete(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Delete a project; its runs remain."""
    if not delete_project(request.user, pk):
        raise Http404
    return redirect("playground:projects")


def _render_notes(
    request: AuthenticatedHttpRequest, notes: Notes, status: int = HTTPStatus.OK
) -> HttpResponse:
    name = "notes" if request.GET.get("part") else "notes_page"
    return render(request, f"lab/playground/{name}.html", {"notes": notes}, status=status)
