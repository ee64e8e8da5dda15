"""The search of the library; the words are in the page's address."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.library.collection.domain.search import MOST, search
from portal.library.collection.forms import SearchForm


@require_safe
def show_search(request: HttpRequest) -> HttpResponse:
    """The form, and what was found."""
    form = SearchForm(request.GET if "words" in request.GET else None)
    is_valid = form.is_valid()
    hits = search(form.cleaned_data["words"], request.user, at=timezone.now()) if is_valid else []
    context = {"form": form, "is_searched": is_valid, "hits": hits, "most": MOST}
    is_refused = form.is_bound and not is_valid
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.OK
    return render(request, "library/collection/search.html", context, status=status)
