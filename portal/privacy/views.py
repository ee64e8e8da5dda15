"""What the portal knows about a person, as a file for that person."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.accounts.models import User
from portal.privacy.domain.export import export_person


@require_POST
@never_cache
@login_required
def download_everything(request: HttpRequest) -> HttpResponse:
    """A zip of JSON files; see `export_person`."""
    return HttpResponse(
        export_person(cast("User", request.user)),
        content_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="everything-about-me.zip"'},
    )
