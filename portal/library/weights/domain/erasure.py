"""Erasing what a person's downloads say about their machines; that they took place is kept."""

from __future__ import annotations

from portal.library.weights.domain.links import end_all_links
from portal.library.weights.models import Download
from portal.platform.accounts.models import User


def erase_tools(person: User) -> None:
    """Erase the names of the programs and end the person's links.

    Who holds which weights remains, under a number.
    """
    Download.objects.filter(user=person).update(tool="")
    end_all_links(person)
