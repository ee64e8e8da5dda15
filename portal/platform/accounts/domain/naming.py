"""A person's own name."""

from __future__ import annotations

from django.db import transaction

from portal.platform.accounts.models import User
from portal.platform.core.fingerprints import require_unchanged


@transaction.atomic
def change_name(person: User, *, name: str, seen: str | None = None) -> None:
    """Existing signatures keep the name they were made with. Raises `SavedMeanwhile`."""
    saved = User.objects.select_for_update().get(pk=person.pk).name
    require_unchanged(seen, saved, now_is=f"your name is “{saved}”")
    person.name = name
    person.save(update_fields=["name"])
