"""Documents that a person brings along in a file."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.lab.notebook.domain.imports import delete_imported, import_documents, list_imported
from portal.lab.playground.sign_in import sign_in_required
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError

PAGE_SIZE = 20


class ImportForm(forms.Form):
    """A file with a JSON object on each line."""

    file = forms.FileField(
        label="File",
        widget=forms.FileInput(attrs={"accept": ".jsonl,.ndjson,.json"}),
        error_messages={
            "required": "Choose a file.",
            "empty": "The file is empty.",
            "invalid": "Choose a file.",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sign_in_required
def imports(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The imported documents; a post brings more."""
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ImportForm(*given)
    if form.is_valid():
        try:
            count = import_documents(request.user, form.cleaned_data["file"])
        except DomainError as error:
            form.add_error("file", error.message)
        else:
            messages.success(request, f"{count:,} document{'s' * (count != 1)} imported.")
            return redirect("playground:imports")
    page = Paginator(list_imported(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "lab/playground/imports.html",
        {"form": form, "page": page, "days": settings.PROMPT_RETENTION_DAYS},
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK,
    )


@require_POST
@sign_in_required
def delete(request: AuthenticatedHttpRequest, node_id: UUID) -> HttpResponse:
    """Erase one imported document."""
    if not delete_imported(request.user, node_id):
        raise Http404
    messages.success(request, "The document was deleted.")
    return redirect("playground:imports")
