"""Erasing what a person's downloads say about their machines; that they took place is kept."""

from __future__ import annotations

from portal.library.weights.models import Download
from portal.platform.accounts.models import User


def erase_tools(person: User) -> None:
    """Erase the names of the programs; who holds which weights remains, under a number."""
    Download.objects.filter(user=person).update(tool="")
