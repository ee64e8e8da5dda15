"""Authenticator apps, recovery codes and passkeys, through the pages."""

from __future__ import annotations

import re

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client

from portal.platform.accounts.models import User
from tests.platform.accounts.walking import confirm_password, sign_in, switch_on_totp, totp

pytestmark = pytest.mark.django_db
NOW = 1_790_000_000.0


def test_changes_to_second_factors_ask_who_one_is(signed_in: Client) -> None:
    answer = signed_in.get("/account/2fa/totp/activate/")

    assert answer.headers["Location"].partition("?")[0] == "/account/reauthenticate/"


def test_the_app_can_be_set_up_from_the_picture_or_by_hand(signed_in: Client) -> None:
    confirm_password(signed_in)

    page = signed_in.get("/account/2fa/totp/activate/")

    html = page.content.decode()
    assert len(re.findall(r'<img class="qr" src="data:image/svg\+xml', html)) == 1
    assert html.count(page.context["form"].secret) == 1


@pytest.mark.django_db(transaction=True)
def test_the_owner_is_told_of_a_new_factor(
    signed_in: Client, person: User, mailoutbox: list[EmailMessage]
) -> None:
    switch_on_totp(signed_in)

    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        ([person.email], "An authenticator app was set up")
    ]


def test_once_it_is_on_the_password_alone_opens_nothing(signed_in: Client, person: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        secret = switch_on_totp(signed_in)
        client = Client()
        asked = sign_in(client, person.email)
        assert asked.headers["Location"].partition("?")[0] == "/account/2fa/authenticate/"
        assert "_auth_user_id" not in client.session
        assert client.get("/account/").status_code == 302

        clock.shift(30)
        wrong = client.post("/account/2fa/authenticate/", {"code": "000000"})
        right = client.post("/account/2fa/authenticate/", {"code": totp(secret)})
        assert client.session["_auth_user_id"] == str(person.pk)

    assert wrong.context["form"].errors == {
        "code": [
            "This code is wrong. Codes change every 30 seconds: type the one that is shown now."
        ]
    }
    assert right.headers["Location"] == "/access/"


def test_a_recovery_code_works_once(signed_in: Client, person: User) -> None:
    switch_on_totp(signed_in)
    codes = signed_in.get("/account/2fa/recovery-codes/").context["unused_codes"]

    first, second = Client(), Client()
    sign_in(first, person.email)
    accepted = first.post("/account/2fa/authenticate/", {"code": codes[0]})
    sign_in(second, person.email)
    refused = second.post("/account/2fa/authenticate/", {"code": codes[0]})

    assert len(codes) == 10
    assert (accepted.status_code, refused.status_code) == (302, 200)


def test_recovery_codes_can_be_downloaded(signed_in: Client) -> None:
    switch_on_totp(signed_in)
    codes = signed_in.get("/account/2fa/recovery-codes/").context["unused_codes"]

    download = signed_in.get("/account/2fa/recovery-codes/download/")

    assert download.headers["Content-Type"] == "text/plain"
    assert download.content.decode().split() == codes


def test_an_unconfirmed_address_cannot_add_a_factor(signed_in: Client, person: User) -> None:
    EmailAddress.objects.filter(user=person).update(verified=False)
    confirm_password(signed_in)

    answer = signed_in.get("/account/2fa/totp/activate/")

    assert answer.headers["Location"] == "/account/2fa/"
