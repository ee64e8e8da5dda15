"""Mails about accounts: plain text, in the site's words, with working links."""

from __future__ import annotations

import re
from pathlib import Path

import allauth
import pytest
from django.core.mail import EmailMessage
from django.test import Client

from portal.config.environment import BASE_DIR
from portal.platform.accounts.models import User

pytestmark = pytest.mark.django_db
STOCK = Path(allauth.__file__).parent / "templates"
OURS = BASE_DIR / "templates"


def test_links_lead_to_the_site_whatever_host_the_client_named(
    client: Client, person: User, mailoutbox: list[EmailMessage]
) -> None:
    client.post("/account/password/reset/", {"email": person.email}, headers={"Host": "localhost"})

    links = re.findall(r"https?://\S+", str(mailoutbox[0].body))
    assert [link.split("/")[2] for link in links] == ["testserver", "testserver"]


def test_a_mail_is_text_and_nothing_else(
    client: Client, person: User, mailoutbox: list[EmailMessage]
) -> None:
    User.objects.filter(pk=person.pk).update(name="Ada & Charles")

    client.post("/account/password/reset/", {"email": person.email})

    (mail,) = mailoutbox
    assert str(mail.body).splitlines()[0] == "Hello Ada & Charles,"
    assert mail.alternatives == []  # type: ignore[attr-defined]


def test_a_notice_says_when_and_from_where(
    signed_in: Client, mailoutbox: list[EmailMessage]
) -> None:
    signed_in.post(
        "/account/password/change/",
        {
            "oldpassword": "a-long-test-password",
            "password1": "quite-another-secret",
            "password2": "quite-another-secret",
        },
        headers={"User-Agent": "Firefox"},
    )

    body = str(mailoutbox[0].body)
    assert "From:    127.0.0.1" in body
    assert "Browser: Firefox" in body
    assert "http://testserver/account/sessions/" in body


@pytest.mark.parametrize(
    "name",
    sorted(
        str(path.relative_to(STOCK))
        for app in ("account", "mfa", "socialaccount")
        for path in (STOCK / app / "email").glob("*_subject.txt")
        if "code" not in path.name.replace("recovery_codes", "")
    ),
)
def test_no_mail_of_allauth_is_left_in_its_own_words(name: str) -> None:
    message = name.replace("_subject.txt", "_message.txt")

    assert [(OURS / name).is_file(), (OURS / message).is_file()] == [True, True]
