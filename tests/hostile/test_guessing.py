"""Guessing passwords and codes is slow from anywhere, and locks out no one else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from portal.platform.accounts.models import User
from portal.platform.core.http import network_of
from portal.platform.notices.models import Notice
from tests.factories.accounts import PASSWORD, UserFactory
from tests.platform.accounts.walking import link_in, switch_on_totp, totp

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
HOME, CAFE, STRANGER = "192.0.2.1", "192.0.2.2", "198.51.100.1"
NEW = "quite-another-secret"
START = datetime(2026, 7, 1, 12, tzinfo=UTC)
HERE = (
    "Too many failed tries for this account from where you are. Wait 5 minutes, or ask for a "
    "new password."
)
ELSEWHERE = (
    "Too many failed tries for this account. Ask for a new password, or sign in from a place "
    "where you have signed in before."
)
CODES_HERE = "Too many wrong codes from where you are. Wait 5 minutes."
CODES_ELSEWHERE = (
    "Too many wrong codes for this account. Wait an hour, or sign in from a place where you have "
    "signed in before."
)


@pytest.fixture
def person() -> User:
    return UserFactory.create()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def try_password(email: str, password: str, *, at: str, client: Client | None = None) -> Any:
    return (client or Client()).post(
        "/account/login/", {"login": email, "password": password}, REMOTE_ADDR=at
    )


def refusal(answer: Any) -> str | None:
    """The form's message; None if the sign-in succeeded."""
    if answer.status_code == 302:
        return None
    (sentence,) = next(iter(answer.context["form"].errors.values()))
    return str(sentence)


def guess_from_everywhere(email: str, *, tries: int) -> None:
    """One try from each of this many addresses."""
    for number in range(tries):
        try_password(email, "wrong", at=f"203.0.{number // 250}.{number % 250}")


def test_five_wrong_passwords_lock_one_place_for_five_minutes(
    person: User, clock: time_machine.Traveller
) -> None:
    for _ in range(5):
        try_password(person.email, "wrong", at=HOME)
    assert refusal(try_password(person.email, PASSWORD, at=HOME)) == HERE

    clock.shift(timedelta(minutes=5, seconds=1))
    assert refusal(try_password(person.email, PASSWORD, at=HOME)) is None


def test_a_strangers_tries_do_not_lock_the_owner_out(person: User) -> None:
    for _ in range(6):
        try_password(person.email, "wrong", at=STRANGER)

    assert refusal(try_password(person.email, PASSWORD, at=STRANGER)) == HERE
    assert refusal(try_password(person.email, PASSWORD, at=HOME)) is None


def test_guessing_from_everywhere_is_braked_where_the_owner_never_was(person: User) -> None:
    assert refusal(try_password(person.email, PASSWORD, at=HOME)) is None
    guess_from_everywhere(person.email, tries=100)

    assert refusal(try_password(person.email, PASSWORD, at=STRANGER)) == ELSEWHERE
    assert refusal(try_password(person.email, PASSWORD, at=HOME)) is None


def test_the_brake_is_the_same_for_an_address_without_an_account(person: User) -> None:
    guess_from_everywhere("nobody@example.org", tries=100)

    assert refusal(try_password("nobody@example.org", "x", at=STRANGER)) == ELSEWHERE


def test_a_new_password_by_mail_lets_the_owner_in_anywhere(
    person: User, mailoutbox: list[EmailMessage]
) -> None:
    for _ in range(5):
        try_password(person.email, "wrong", at=CAFE)
    guess_from_everywhere(person.email, tries=100)
    client = Client(REMOTE_ADDR=CAFE)
    client.post("/account/password/reset/", {"email": person.email})
    (link,) = [link_in(mail, under="/account/password/reset/key/") for mail in mailoutbox[-1:]]
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})

    assert refusal(try_password(person.email, NEW, at=CAFE)) is None


def test_the_owner_is_told_once_in_six_hours(person: User, clock: time_machine.Traveller) -> None:
    def told() -> list[str]:
        return list(Notice.objects.filter(recipient=person).values_list("subject", flat=True))

    subject = "Somebody is trying to sign in to your account"
    for _ in range(5):
        try_password(person.email, "wrong", at=STRANGER)
    assert told() == []
    for _ in range(2):
        try_password(person.email, "wrong", at=STRANGER)
    assert told() == [subject]
    body = Notice.objects.get().body
    assert "When: 1 July 2026, 12:00 UTC\nFrom: 198.51.100.1\n" in body

    clock.shift(timedelta(hours=5, minutes=59))
    for _ in range(6):
        try_password(person.email, "wrong", at=STRANGER)
    assert told() == [subject]
    clock.shift(timedelta(minutes=6))
    for _ in range(6):
        try_password(person.email, "wrong", at=STRANGER)
    assert told() == [subject, subject]


def test_nobody_is_told_at_an_address_that_was_never_confirmed() -> None:
    person = UserFactory.create(verified=False)
    for _ in range(6):
        try_password(person.email, "wrong", at=STRANGER)

    assert Notice.objects.count() == 0


def after_the_password(person: User, *, at: str) -> Client:
    """A browser that is asked for the code."""
    client = Client(REMOTE_ADDR=at)
    try_password(person.email, PASSWORD, at=at, client=client)
    return client


def try_code(client: Client, code: str) -> Any:
    return client.post("/account/2fa/authenticate/", {"code": code})


def test_codes_of_a_second_factor_are_counted_by_place_too(
    person: User, clock: time_machine.Traveller
) -> None:
    owner = Client(REMOTE_ADDR=CAFE)
    owner.force_login(person)
    secret = switch_on_totp(owner)
    clock.shift(timedelta(seconds=30))
    thief = after_the_password(person, at=STRANGER)
    for _ in range(5):
        try_code(thief, "000000")
    assert refusal(try_code(thief, totp(secret))) == CODES_HERE
    assert "somebody knows your password" in Notice.objects.get(recipient=person).body

    assert refusal(try_code(after_the_password(person, at=HOME), totp(secret))) is None


def test_codes_from_everywhere_are_braked_where_the_owner_never_was(
    person: User, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "code_elsewhere": "6/h/key"}
    owner = Client(REMOTE_ADDR=HOME)
    owner.force_login(person)
    secret = switch_on_totp(owner)
    clock.shift(timedelta(seconds=30))
    try_code(home := after_the_password(person, at=HOME), totp(secret))
    assert home.session["_auth_user_id"] == str(person.pk)
    for number in range(6):
        try_code(after_the_password(person, at=f"203.0.113.{number}"), "000000")
    clock.shift(timedelta(seconds=30))

    strange = after_the_password(person, at=STRANGER)
    assert refusal(try_code(strange, totp(secret))) == CODES_ELSEWHERE
    assert refusal(try_code(after_the_password(person, at=HOME), totp(secret))) is None


def test_a_stolen_session_does_not_lock_the_owners_reauthentication(person: User) -> None:
    thief, owner = Client(REMOTE_ADDR=STRANGER), Client(REMOTE_ADDR=HOME)
    for client in (thief, owner):
        client.force_login(person)
    guesses = [
        thief.post("/account/reauthenticate/", {"password": "wrong"}).status_code for _ in range(11)
    ]

    assert guesses == [200] * 10 + [429]
    answer = owner.post("/account/reauthenticate/", {"password": PASSWORD})
    assert answer.status_code == 302


def test_reset_mails_are_few_and_a_stranger_does_not_use_up_the_owners(
    person: User, mailoutbox: list[EmailMessage]
) -> None:
    def ask(*, at: str) -> int:
        answer = Client().post("/account/password/reset/", {"email": person.email}, REMOTE_ADDR=at)
        return answer.status_code

    try_password(person.email, PASSWORD, at=HOME)
    assert [ask(at=STRANGER) for _ in range(7)] == [302] * 7
    assert len(mailoutbox) == 5
    for number in range(10):
        ask(at=f"203.0.113.{number}")
    assert len(mailoutbox) == 10

    assert ask(at=HOME) == 302
    assert len(mailoutbox) == 11


def test_an_ipv6_host_is_one_place() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2:ffff::1")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("unknown") == "unknown"
