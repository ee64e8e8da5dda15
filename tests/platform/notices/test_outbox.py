"""The outbox: committed with its cause, sent once, tried again, taken back in time."""

from __future__ import annotations

import smtplib
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from portal.platform.accounts.models import User
from portal.platform.notices.domain import sending
from portal.platform.notices.domain.outbox import post, withdraw
from portal.platform.notices.domain.sending import LEASE, MAX_ATTEMPTS, send_due, send_notice
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import MailPreference, Notice
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
BACKEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"


@pytest.fixture
def person(db: None) -> User:
    return UserFactory.create(email="person@example.org")


def post_one(person: User | str, **fields: Any) -> Notice:
    values = {"kind": "test", "subject": "Hello", "body": "Text\n", "about": "case:1", **fields}
    return post(person, **values)


def raising(error: Exception) -> object:
    def refuse(*_: object) -> int:
        raise error

    return refuse


@pytest.mark.django_db(transaction=True)
def test_a_notice_outside_of_a_transaction_is_refused(person: User) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        post_one(person)
    assert Notice.objects.count() == 0


def test_a_notice_without_a_text_is_refused(person: User) -> None:
    with pytest.raises(ValueError, match="needs a subject and a body"):
        post_one(person, body="")


def test_a_sent_notice_says_when_and_to_which_address(person: User) -> None:
    notice = post_one(person)
    assert [send_notice(notice.pk) for _ in range(3)] == [True, False, False]
    notice.refresh_from_db()
    assert (notice.state, notice.address, notice.attempts) == ("sent", person.email, 1)
    assert notice.sent_at is not None
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["person@example.org"], "Hello")
    ]


def test_somebody_without_an_account_gets_mail_too() -> None:
    assert send_notice(post_one("referee@example.org").pk) is True
    assert mail.outbox[0].to == ["referee@example.org"]


def test_a_held_notice_leaves_at_its_moment_and_not_before(person: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        notice = post_one(person, not_before=NOON + timedelta(minutes=10))
        clock.move_to(NOON + timedelta(minutes=10) - timedelta(seconds=1))
        assert (send_due(), send_notice(notice.pk)) == (0, False)
        clock.shift(timedelta(seconds=1))
        assert (send_due(), send_due()) == (1, 0)


def test_a_held_notice_can_be_taken_back_once(person: User) -> None:
    later = timezone.now() + timedelta(minutes=10)
    post_one(person, not_before=later)
    post_one(person, not_before=later, kind="other")
    post_one(person, not_before=later, about="case:2")
    assert withdraw(about="case:1", kind="test") == 1
    assert withdraw(about="case:1", kind="test") == 0
    with time_machine.travel(later, tick=False):
        assert send_due() == 2


def test_what_has_left_is_not_taken_back(person: User) -> None:
    send_notice(post_one(person).pk)
    assert withdraw(about="case:1") == 0


def test_a_failure_is_tried_again_after_longer_and_longer_pauses(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        notice = post_one(person)
        monkeypatch.setattr(BACKEND, raising(ConnectionRefusedError()))
        pauses = []
        for _ in range(MAX_ATTEMPTS):
            assert send_due() == 0
            notice.refresh_from_db()
            pauses.append((notice.due_at - timezone.now()) // timedelta(minutes=1))
            clock.move_to(notice.due_at)
        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[360] * 7]
        assert (notice.state, notice.last_error) == ("failed", "ConnectionRefusedError")
        assert send_due() == 0


def test_a_failed_try_is_followed_by_one_mail(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        notice = post_one(person)
        with monkeypatch.context() as patch:
            patch.setattr(BACKEND, raising(TimeoutError()))
            assert send_due() == 0
        clock.shift(timedelta(minutes=1))
        assert (send_due(), len(mail.outbox)) == (1, 1)
        notice.refresh_from_db()
        assert (notice.state, notice.attempts, notice.last_error) == ("sent", 2, "")


@pytest.mark.parametrize(("code", "state"), [(550, "bounced"), (450, "queued")])
def test_an_address_refused_for_good_has_bounced(
    person: User, monkeypatch: pytest.MonkeyPatch, code: int, state: str
) -> None:
    notice = post_one(person)
    refusal = smtplib.SMTPRecipientsRefused({person.email: (code, b"no")})
    monkeypatch.setattr(BACKEND, raising(refusal))
    assert send_notice(notice.pk) is False
    notice.refresh_from_db()
    assert (notice.state, notice.last_error) == (state, "SMTPRecipientsRefused")


def test_what_a_dead_sender_left_is_sent_after_its_lease(person: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        notice = post_one(person)
        sending._claim(notice.pk)
        clock.shift(LEASE - timedelta(seconds=1))
        assert send_due() == 0
        clock.shift(timedelta(seconds=1))
        assert send_due() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_senders_at_the_same_moment_send_one_mail(person: User) -> None:
    with transaction.atomic():
        notice = post_one(person)
    start = threading.Barrier(8)
    sent: list[bool] = []

    def run() -> None:
        start.wait()
        sent.append(send_notice(notice.pk))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == [False] * 7 + [True]
    assert len(mail.outbox) == 1


def test_a_digest_is_one_mail_with_every_notice(person: User) -> None:
    MailPreference.objects.create(user=person, is_digest=True)
    with time_machine.travel(NOON, tick=False) as clock:
        for subject in ("First", "Second"):
            post_one(person, subject=subject, may_wait=True)
        post_one(person, subject="At once")
        assert (send_due(), [message.subject for message in mail.outbox]) == (1, ["At once"])
        clock.move_to(datetime(2026, 11, 26, 7, tzinfo=UTC))
        assert (send_due(), send_due()) == (1, 0)
    assert mail.outbox[1].subject == "Your daily mail: 2 notices"
    lines = mail.outbox[1].body.splitlines()
    assert [line for line in lines if line in {"First", "Second"}] == ["First", "Second"]
    assert set(Notice.objects.values_list("state", flat=True)) == {NoticeState.SENT}
