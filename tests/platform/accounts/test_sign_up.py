"""From an empty form to a confirmed account, through the pages and the mail."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.platform.accounts.walking import link_in

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Ada Lovelace",
    "email": "ada@example.org",
    "password1": "analytical-engine-1843",
    "password2": "analytical-engine-1843",
    "website": "",
}


def test_sign_up_confirm_and_be_signed_in(client: Client, mailoutbox: list[EmailMessage]) -> None:
    asked = client.post("/account/signup/", FORM)

    assert asked.headers["Location"] == "/account/confirm-email/"
    ada = User.objects.get()
    assert (ada.email, ada.name, is_email_verified(ada)) == (FORM["email"], FORM["name"], False)
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        (["ada@example.org"], "Confirm your address for Gatehouse")
    ]

    link = link_in(mailoutbox[0], under="/account/confirm-email/")
    assert client.get(link).status_code == 200
    confirmed = client.post(link)

    assert confirmed.headers["Location"] == "/access/"
    assert is_email_verified(ada)
    assert client.get("/account/").context["user"] == ada


def test_opening_the_link_alone_confirms_nothing(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    """Mail scanners open links; a person presses the button."""
    client.post("/account/signup/", FORM)

    client.get(link_in(mailoutbox[0], under="/account/confirm-email/"))

    assert not is_email_verified(User.objects.get())


def test_sign_in_before_confirming_sends_the_link_again_and_lets_nobody_in(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    UserFactory.create(email="ada@example.org", verified=False)

    answer = client.post(
        "/account/login/", {"login": "ada@example.org", "password": "a-long-test-password"}
    )

    assert answer.headers["Location"] == "/account/confirm-email/"
    assert "_auth_user_id" not in client.session
    assert len(mailoutbox) == 1


def test_a_spoiled_link_says_so(client: Client) -> None:
    page = client.get("/account/confirm-email/no-such-key/")

    assert "This link no longer works" in page.content.decode()


def test_fields_come_in_the_order_one_expects(client: Client) -> None:
    fields = list(client.get("/account/signup/").context["form"].fields)

    assert fields == ["name", "email", "password1", "password2", "website"]


def test_nothing_typed_is_lost_except_passwords(client: Client) -> None:
    page = client.post("/account/signup/", {**FORM, "password2": "something-else-1843"})

    form = page.context["form"]
    assert page.status_code == 200
    assert form["name"].value() == "Ada Lovelace"
    assert form.errors == {"password2": ["You must type the same password each time."]}
    assert 'href="#id_password2"' in page.content.decode()
    assert User.objects.count() == 0


def test_a_known_address_looks_like_a_new_one(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    UserFactory.create(email="ada@example.org", name="The first Ada")

    asked = client.post("/account/signup/", FORM)

    assert asked.headers["Location"] == "/account/confirm-email/"
    assert [mail.subject for mail in mailoutbox] == ["You already have a Gatehouse account"]
    assert [user.name for user in User.objects.all()] == ["The first Ada"]


def test_a_robot_that_fills_the_trap_makes_no_account(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    asked = client.post("/account/signup/", {**FORM, "website": "https://spam.example"})

    assert asked.headers["Location"] == "/account/confirm-email/"
    assert User.objects.count() == 0
    assert mailoutbox == []
