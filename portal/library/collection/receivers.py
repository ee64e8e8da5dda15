"""What the pages of the catalog show of the library."""

from __future__ import annotations

from django.urls import reverse

from portal.gate.catalog.further_reading import Reading, add_reading
from portal.gate.catalog.models import HostedModel
from portal.library.collection.domain.shelves import list_newest


@add_reading
def list_repositories(model: HostedModel) -> list[Reading]:
    """The release's code, notes and data."""
    return [
        Reading(
            label=revision.repository.name,
            url=reverse(
                "collection:newest",
                args=[revision.repository.release.slug, revision.repository.slug],
            ),
            about=f"{revision.repository.get_kind_display().lower()}, {revision.name}",
        )
        for revision in list_newest(model.release_id)
    ]
