"""A person's choice between single mails and a daily one."""

from __future__ import annotations

from django.db import transaction

from portal.platform.core.fingerprints import require_unchanged
from portal.platform.notices.models import MailPreference


@transaction.atomic
def choose_digest(user_id: int, *, is_digest: bool, seen: str | None = None) -> None:
    """Choose one mail a day, or one for every application. Raises `SavedMeanwhile`."""
    MailPreference.objects.get_or_create(user_id=user_id)
    preference = MailPreference.objects.select_for_update().get(user_id=user_id)
    now_is = "you get one mail a day" if preference.is_digest else "you get every mail immediately"
    require_unchanged(seen, preference.is_digest, now_is=now_is)
    preference.is_digest = is_digest
    preference.save()
