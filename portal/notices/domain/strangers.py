"""Mail to people without an account, which others ask us to send: so much of it a day.

Both limits count what was put into the outbox within 24 hours and not taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.utils import timezone

from portal.core.errors import DomainError
from portal.notices.domain.outbox import post
from portal.notices.enums import NoticeState
from portal.notices.models import Notice

DAY: Final = timedelta(days=1)


def post_to_stranger(
    address: str,
    *,
    sender: AbstractUser | None,
    kind: str,
    composer: str,
    about: str,
    data: Mapping[str, object],
) -> Notice:
    """Put a letter that `sender` asks for into the outbox; None is this site itself.

    Call it after `audit.record`, whose lock lets one transaction at a time count. Raises
    `DomainError` about the field `email`: `too_many_letters`, `address_has_letters`.
    """
    if sender is not None:
        _require_room(address, sender=sender, at=timezone.now())
    notice = post(address, kind=kind, composer=composer, about=about, data=data)
    notice.sender = sender  # type: ignore[assignment]  # AUTH_USER_MODEL; see `outbox`
    notice.save(update_fields=["sender"])
    return notice


def _require_room(address: str, *, sender: AbstractUser, at: datetime) -> None:
    today = Notice.objects.filter(created_at__gt=at - DAY).exclude(state=NoticeState.WITHDRAWN)
    most = settings.LETTERS_PER_SENDER
    if until := _full_until(today.filter(sender_id=sender.pk), most=most, at=at):
        raise DomainError(
            "too_many_letters",
            f"Nothing was sent: {most} letters a day leave in one person's name. "
            f"The next may leave on {until}.",
            field="email",
        )
    most = settings.LETTERS_PER_ADDRESS
    to_them = today.filter(recipient=None, address__iexact=address)
    if until := _full_until(to_them, most=most, at=at):
        raise DomainError(
            "address_has_letters",
            f"Nothing was sent: {address} was sent {most} letters, the most in a day. "
            f"Name another address, or try again on {until}.",
            field="email",
        )


def _full_until(letters: QuerySet[Notice], *, most: int, at: datetime) -> str:
    """When there is room again, in words; empty while there is some."""
    moments = list(letters.order_by("-created_at").values_list("created_at", flat=True)[:most])
    if len(moments) < most:
        return ""
    until = (moments[-1] if moments else at) + DAY
    return f"{until:%-d %B, %H:%M} UTC"
