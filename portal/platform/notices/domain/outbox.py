"""Writing to the outbox.

`post` puts a message into the outbox in the caller's transaction: the state change and its
mail are committed together or not at all. The message is sent after the commit, and not before
`not_before`; `withdraw` withdraws unsent messages. A message whose text depends on what the rest
of the transaction writes names a composer instead of a subject and a body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from celery import current_app
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import connection, transaction
from django.utils import timezone

from portal.platform.notices.domain.digest import next_digest_at
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import MailPreference, Notice

SEND_TASK = "portal.notices.send_notice"


@dataclass(frozen=True)
class Letter:
    """A message's subject and text."""

    subject: str
    body: str


Composer = Callable[[Notice], Letter | None]
LinkMaker = Callable[[Notice], str | None]
LINK_PLACE: Final = "[your link]"
"""The placeholder for a single-use link in the stored text of a letter."""
_COMPOSERS: dict[str, Composer] = {}
_LINKS: dict[str, LinkMaker] = {}


def register_composer(name: str, compose: Composer, *, link: LinkMaker | None = None) -> None:
    """Have `compose` write the notices with this composer when they are due.

    If it returns None, the notice is withdrawn: there is nothing to say any more. `link` returns
    the path that replaces LINK_PLACE in the mail and is not stored, or None if there is none.
    """
    _COMPOSERS[name] = compose
    if link is not None:
        _LINKS[name] = link


def finish_body(notice: Notice) -> str:
    """The text as it is sent; the stored text may lack a secret."""
    make_link = _LINKS.get(notice.composer)
    path = make_link(notice) if make_link else None
    return notice.body.replace(LINK_PLACE, settings.SITE_URL + path) if path else notice.body


def post(
    recipient: AbstractUser | str,
    *,
    kind: str,
    subject: str = "",
    body: str = "",
    composer: str = "",
    not_before: datetime | None = None,
    about: str = "",
    data: Mapping[str, object] | None = None,
    may_wait: bool = False,
) -> Notice:
    """Put one message into the outbox, in the caller's transaction.

    `recipient` is an account, or the address of somebody without one. `about` is its subject, as
    in the audit log (`application:GH-2026-0001`). With `may_wait`, people who chose digests get
    it in their next one. Raises `TransactionManagementError` outside a transaction, and
    `ValueError` without a text or a registered composer.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a notice needs a transaction")
    if composer not in _COMPOSERS and not (subject and body and not composer):
        raise ValueError("a notice needs a subject and a body, or a registered composer")
    now = timezone.now()
    person = None if isinstance(recipient, str) else recipient
    is_digest = may_wait and person is not None and _prefers_digest(person)
    due_at = max(now, not_before or now)
    notice = Notice.objects.create(
        recipient=person,  # type: ignore[misc]  # AUTH_USER_MODEL; notices may not import accounts
        address=recipient if isinstance(recipient, str) else "",
        kind=kind,
        about=about,
        composer=composer,
        data=dict(data or {}),
        subject=subject,
        body=body,
        is_digest=is_digest,
        created_at=now,
        due_at=next_digest_at(due_at) if is_digest else due_at,
    )
    if notice.due_at <= now:
        _send_on_commit(notice.pk)
    return notice


def withdraw(
    *, about: str, kind: str | None = None, data: Mapping[str, object] | None = None
) -> int:
    """Withdraw unsent notices about `about`; returns the number of withdrawn notices.

    `kind` and `data` limit it to notices of that kind and to those posted with these values in
    their `data`. In the caller's transaction, if there is one. A notice that is being sent counts
    as sent.
    """
    waiting = Notice.objects.filter(about=about, state=NoticeState.QUEUED)
    if kind is not None:
        waiting = waiting.filter(kind=kind)
    if data is not None:
        waiting = waiting.filter(data__contains=dict(data))
    return waiting.update(state=NoticeState.WITHDRAWN)


def compose(notice: Notice) -> bool:
    """Write the text of a notice that has none yet; False if there is nothing to say."""
    if notice.subject:
        return True
    letter = _COMPOSERS[notice.composer](notice)
    if letter is None:
        return False
    notice.subject, notice.body = letter.subject, letter.body
    notice.save(update_fields=["subject", "body"])
    return True


def _prefers_digest(person: AbstractUser) -> bool:
    return MailPreference.objects.filter(user_id=person.pk, is_digest=True).exists()


def _send_on_commit(notice_id: int) -> None:
    # If the broker is down, the caller's step still succeeds: the sweep finds unsent notices.
    transaction.on_commit(lambda: current_app.send_task(SEND_TASK, args=[notice_id]), robust=True)
