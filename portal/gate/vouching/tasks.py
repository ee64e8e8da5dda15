"""The tasks that beat starts. Each may run any number of times."""

from __future__ import annotations

from celery import shared_task

from portal.gate.vouching.domain import upkeep


@shared_task(name="portal.vouching.tend")
def run_upkeep() -> None:
    """Remind, warn and erase."""
    upkeep.run_upkeep()
