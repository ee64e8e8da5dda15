"""Who holds which weights."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.desk.console.access import any_role_required
from portal.desk.console.forms.weights import HolderFilterForm
from portal.library.weights.domain.holders import describe_holders, list_holders, sum_downloads
from portal.library.weights.domain.lookup import ROWS
from portal.library.weights.domain.offer import list_rows, make_offer
from portal.library.weights.models import Download
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User

PAGE_SIZE = 25
FILES_OF_PAGE = 100
LATEST = 50


@require_safe
@any_role_required
def show_holders(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Each person and revision, with what they have and whether they still may."""
    now, form = timezone.now(), HolderFilterForm(request.GET)
    pairs = list_holders(**form.to_filter())
    page = Paginator(pairs, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "holders": describe_holders(list(page.object_list), at=now),
        "totals": sum_downloads(at=now),
        "now": now,
    }
    return render(request, "desk/console/weights/holders.html", context)


@require_safe
@any_role_required
def show_holder(request: AuthenticatedHttpRequest, user: int, revision: int) -> HttpResponse:
    """One person's files of one revision, and their latest requests."""
    person = get_object_or_404(User, pk=user)
    shown = get_object_or_404(ROWS, pk=revision)
    closed = shown.files.filter(is_open=False)
    page = Paginator(closed, FILES_OF_PAGE).get_page(request.GET.get("page"))
    downloads = Download.objects.filter(user=person, file__revision=shown)
    context = {
        "person": person,
        "offer": make_offer(person, shown, at=timezone.now()),
        "page": page,
        "rows": list_rows(person, shown, page.object_list),
        "downloads": downloads.select_related("file", "key")[:LATEST],
    }
    return render(request, "desk/console/weights/holder.html", context)
