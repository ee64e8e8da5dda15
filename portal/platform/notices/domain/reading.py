"""A person's own notices, as the site shows them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import Notice


def list_notices(user_id: int, *, at: datetime | None = None) -> QuerySet[Notice]:
    """The notices that a person had at time `at`, or has now, newest first.

    A notice appears when it is due and written, whether or not its mail arrived.
    """
    written = Notice.objects.filter(recipient_id=user_id).exclude(subject="")
    told = written.exclude(state=NoticeState.WITHDRAWN)
    # A digest waits only for its mail.
    held = {"is_digest": False, "attempts": 0, "due_at__gt": at or timezone.now()}
    return told.exclude(**held).order_by("-id")


def unread_notices(user_id: int, *, at: datetime) -> QuerySet[Notice]:
    """A person's notices that they have not opened."""
    return list_notices(user_id, at=at).filter(read_at=None)


def mark_read(notice: Notice) -> None:
    """Remember when a notice was first opened."""
    Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=timezone.now())
