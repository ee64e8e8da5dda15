"""A person's page of the weights: what they may fetch, how, and what they have."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.gate.catalog.models import HostedModel
from portal.library.weights.domain.links import list_links
from portal.library.weights.domain.lookup import find_revision, list_revisions
from portal.library.weights.domain.offer import (
    describe_day,
    list_commands,
    list_link_commands,
    list_offers,
    list_rows,
    make_offer,
    write_checksums,
)
from portal.library.weights.models import Revision
from portal.library.weights.rules import MAIN
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.personal import personal

PAGE_SIZE = 100


@require_safe
@personal
def list_repositories(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Every model whose weights are published, with the person's access and progress."""
    now = timezone.now()
    context = {
        "offers": list_offers(request.user, at=now),
        "day": describe_day(request.user, at=now),
    }
    return render(request, "library/weights/list.html", context)


@require_safe
@personal
def show_repository(
    request: AuthenticatedHttpRequest, slug: str, revision: str = MAIN
) -> HttpResponse:
    """One revision: the commands that fetch it, and its files."""
    shown, now = find_shown(slug, revision), timezone.now()
    offer = make_offer(request.user, shown, at=now)
    page = Paginator(shown.files.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "offer": offer,
        "page": page,
        "rows": list_rows(request.user, shown, page.object_list),
        "commands": list_commands(offer),
        "linked": [
            (each, list_link_commands(offer, each.base))
            for each in list_links(request.user, shown, at=now)
        ],
        "revisions": list_revisions(shown.repository),
        "day": describe_day(request.user, at=now),
    }
    return render(request, "library/weights/repository.html", context)


@require_safe
@personal
def write_sums(request: AuthenticatedHttpRequest, slug: str, revision: str) -> HttpResponse:  # noqa: ARG001 -- signed in is enough
    """The checksums, for `sha256sum -c`."""
    return HttpResponse(
        write_checksums(find_shown(slug, revision)),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="SHA256SUMS"'},
    )


def find_shown(slug: str, revision: str) -> Revision:
    """The revision of a page's address. Raises `Http404`."""
    model = HostedModel.objects.select_related("release").filter(slug=slug).first()
    try:
        return find_revision(f"{model.release.slug}/{slug}" if model else "", revision)
    except DomainError as error:
        raise Http404 from error
