"""The tasks that beat starts. Each may run any number of times."""

from __future__ import annotations

from celery import shared_task

from portal.gate.teams.domain import upkeep


@shared_task(name="portal.teams.tend")
def run_upkeep() -> None:
    """Update members' grants, and erase old invitations."""
    upkeep.run_upkeep()
