"""The reader's side of a link: the run, a copy of its beginning, or why not."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.lab.playground.presentation import view_run
from portal.lab.playground.summaries import summarise_params
from portal.lab.playground.views.editor import render_copy
from portal.lab.sharing.domain.citation import describe_weights
from portal.lab.sharing.domain.reading import find_barrier, find_link
from portal.lab.sharing.models import ShareLink
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.personal import personal
from portal.platform.core.rate_limit import pace_links


@require_safe
@personal
@pace_links("share")
def read(request: AuthenticatedHttpRequest, token: str) -> HttpResponse:
    """The run of a link, for a person of its audience."""
    found = _find(request, token)
    if isinstance(found, HttpResponse):
        return found
    context = {
        "link": found,
        "token": token,
        "view": view_run(found.run),
        "params": summarise_params(found.run.params),
        "weights": describe_weights(found.run.provenance),
    }
    return _render(request, "read", context)


@require_POST
@personal
@pace_links("share")
def copy(request: AuthenticatedHttpRequest, token: str) -> HttpResponse:
    """The reader's own editor, with the run's prompt and parameters."""
    found = _find(request, token)
    return found if isinstance(found, HttpResponse) else render_copy(request, found.run)


def _find(request: AuthenticatedHttpRequest, token: str) -> ShareLink | HttpResponse:
    """The link, or the page that says why its run is not shown."""
    now = timezone.now()
    link = find_link(token, at=now)
    if link is None:
        return _render(request, "gone", {}, status=HTTPStatus.NOT_FOUND)
    barrier = find_barrier(link, request.user, at=now)
    if barrier is None:
        return link
    context = {"link": link, "barrier": barrier}
    return _render(request, "closed", context, status=HTTPStatus.FORBIDDEN)


def _render(
    request: AuthenticatedHttpRequest,
    name: str,
    context: dict[str, object],
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    response = render(request, f"lab/sharing/{name}.html", context, status=status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
