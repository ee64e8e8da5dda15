from __future__ import annotations

import pytest
from django.core.mail import EmailMessage, get_connection, send_mail
from pytest_django import Settings

from portal.platform.mailbox.models import StoredMail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mailbox(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "portal.platform.mailbox.backend.MailboxBackend"


def test_each_recipient_gets_a_copy() -> None:
    mail = EmailMessage(
        "Decision", "You may.", None, ["Ada <Ada@Example.org>"], bcc=["desk@example.org"]
    )

    sent = get_connection().send_messages([mail])

    assert sent == 1
    assert list(StoredMail.objects.order_by("to").values_list("to", "subject", "body")) == [
        ("ada@example.org", "Decision", "You may."),
        ("desk@example.org", "Decision", "You may."),
    ]


def test_nothing_to_send_is_no_error() -> None:
    assert get_connection().send_messages([]) == 0


def test_sending_goes_through_the_setting() -> None:
    send_mail("Hello", "Text", None, ["ada@example.org"])

    assert StoredMail.objects.get().subject == "Hello"
