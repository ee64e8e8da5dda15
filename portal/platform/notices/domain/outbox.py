"""Writing to the outbox.

`post` puts a message into the outbox in the caller's transaction: the state change and its
mail are committed together or not at all. It leaves after the commit, at `not_before` at the
earliest; `withdraw` takes back what has not left. A message whose text depends on what the
rest of the transaction writes names a composer instead of a subject and a body.
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
"""Stands in what is kept of a letter with a single-use link."""
_COMPOSERS: dict[str, Composer] = {}
_LINKS: dict[str, LinkMaker] = {}


def register_composer(name: str, compose: Composer, *, link: LinkMaker | None = None) -> None:
    """Let notices with this composer be written by `compose` when they are due.

    A composer that answers None withdraws the notice: there is nothing to tell any more. `link`
    gives the path that takes LINK_PLACE's place in what leaves, and is not kept; None for none.
    """
    _COMPOSERS[name] = compose
    if link is not None:
        _LINKS[name] = link


def finish_body(notice: Notice) -> str:
    """The text as it is sent; what is kept may lack a secret."""
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

    `recipient` is an account, or the address of somebody who has none. `about` names what it
    is about as the audit log does (`application:GH-2026-0001`). With `may_wait` a person who
    chose a digest gets it with their next one. Raises `TransactionManagementError` outside of
    a transaction, and `ValueError` without a text or a registered composer.
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
    """Take back what has not left about `about`; answers how many.

    Of one kind only, and only what was posted with these values in its `data`, if given. In
    the caller's transaction, if there is one. What is being sent at this moment is waited for
    by nobody and not counted: it has left.
    """
    waiting = Notice.objects.filter(about=about, state=NoticeState.QUEUED)
    if kind is not None:
        waiting = waiting.filter(kind=kind)
    if data is not None:
        waiting = waiting.filter(data__contains=dict(data))
    return waiting.update(state=NoticeState.WITHDRAWN)


def compose(notice: Notice) -> bool:
    """Write the text of a notice that has none yet; False when there is nothing to tell."""
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
    # A broker that is down costs nobody their step: the sweep finds what was not sent.
    transaction.on_commit(lambda: current_app.send_task(SEND_TASK, args=[notice_id]), robust=True)
