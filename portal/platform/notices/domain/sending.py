"""Sends the outbox: each message once, however many senders there are.

A sender first takes the row by compare-and-set (queued to sending), then talks to the mail
server outside any transaction, then records the result. A sender that died leaves its row in
`sending`; after `LEASE` another may take it.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.platform.core.each import do_each, note_fault
from portal.platform.notices.domain.digest import write_digest
from portal.platform.notices.domain.outbox import Letter, compose, finish_body
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import UNSENT, Notice

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
"""Longer than the longest conversation that the mail backend allows with the mail server."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MAX_ATTEMPTS = 16
"""With the pauses between them, a little over two days."""
BATCH = 200


def find_due(*, at: datetime) -> QuerySet[Notice]:
    """Notices to be sent now, including those that a dead sender left behind; oldest first."""
    return Notice.objects.filter(state__in=UNSENT, due_at__lte=at).order_by("due_at", "id")


def send_due() -> int:
    """Send what is due, digests as one mail per person; returns the number of mails sent."""
    due = find_due(at=timezone.now())
    single = list(due.filter(is_digest=False).values_list("pk", flat=True)[:BATCH])
    people = set(due.filter(is_digest=True).values_list("recipient_id", flat=True)[:BATCH])
    sent = do_each(single, send_notice, doing="send_notice")
    return sum(sent) + sum(do_each(sorted(people), _send_digest, doing="send_digest"))


def send_notice(notice_id: int) -> bool:
    """Send one notice if it is due and no other sender has it; returns whether it was sent."""
    notice = _claim(notice_id)
    if notice is None or not _compose_or_withdraw(notice):
        return False
    return _deliver([notice], lambda: Letter(notice.subject, finish_body(notice)))


def _send_digest(recipient_id: int) -> bool:
    due = find_due(at=timezone.now()).filter(is_digest=True, recipient_id=recipient_id)
    claimed = [_claim(pk) for pk in due.order_by("id").values_list("pk", flat=True)]
    notices = [notice for notice in claimed if notice and _compose_or_withdraw(notice)]
    if not notices:
        return False
    return _deliver(notices, lambda: Letter(*write_digest(notices)))


def _claim(notice_id: int) -> Notice | None:
    now = timezone.now()
    taken = find_due(at=now).filter(pk=notice_id).order_by()
    if taken.update(state=NoticeState.SENDING, attempts=F("attempts") + 1, due_at=now + LEASE) != 1:
        return None
    return Notice.objects.select_related("recipient").get(pk=notice_id)


def _compose_or_withdraw(notice: Notice) -> bool:
    try:
        with transaction.atomic():
            if compose(notice):
                return True
            _own(notice).update(state=NoticeState.WITHDRAWN)
    except Exception as error:  # noqa: BLE001 -- logged, or raised if a server is away
        # It is tried again like a mail that no server accepts; a digest is sent without it.
        note_fault(error, doing="compose_notice", row=notice)
        _write_failure(notice, error)
    return False


def _deliver(notices: Sequence[Notice], write: Callable[[], Letter]) -> bool:
    person = notices[0].recipient
    address = person.email if person else notices[0].address
    try:
        letter = write()
        EmailMessage(letter.subject, letter.body, to=[address]).send()
    except Exception as error:  # noqa: BLE001 -- each mail backend has its own errors
        for notice in notices:
            _write_failure(notice, error)
        return False
    now = timezone.now()
    for notice in notices:
        _own(notice).update(
            state=NoticeState.SENT, sent_at=now, address=address, last_error="", due_at=now
        )
    return True


def _write_failure(notice: Notice, error: Exception) -> None:
    name = type(error).__name__
    if _is_bounce(error):
        state = NoticeState.BOUNCED
    elif notice.attempts >= MAX_ATTEMPTS:
        state = NoticeState.FAILED
    else:
        state = NoticeState.QUEUED
    pause = min(FIRST_PAUSE * 2 ** (notice.attempts - 1), LONGEST_PAUSE)
    _own(notice).update(state=state, last_error=name, due_at=timezone.now() + pause)
    log.warning("notice_not_sent", notice_id=notice.pk, state=str(state), error=name)


def _is_bounce(error: Exception) -> bool:
    """Whether the server refused the address permanently (RFC 5321: a code of 500 or more)."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    return all(code >= 500 for code, _ in error.recipients.values())


def _own(notice: Notice) -> QuerySet[Notice]:
    """The row, unless another sender has taken it since."""
    return Notice.objects.filter(
        Q(pk=notice.pk, state=NoticeState.SENDING, attempts=notice.attempts)
    )
