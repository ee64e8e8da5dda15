"""What the pages of the catalog show of the logbook."""

from __future__ import annotations

from portal.gate.catalog.further_reading import Reading, add_reading
from portal.gate.catalog.models import HostedModel
from portal.library.logbook.domain.reading import newest_runs


@add_reading
def list_logbooks(model: HostedModel) -> list[Reading]:
    return [
        Reading(
            label=f"Logbook of {run.name}",
            url=run.get_absolute_url(),
            about="what happened during training, with its sources",
        )
        for run in newest_runs(model)
    ]
