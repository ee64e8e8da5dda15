"""Steps that many tests of accounts take, through the pages."""

from __future__ import annotations

import base64
import hmac
import struct
import time
from typing import Any

import time_machine
from django.core.mail import EmailMessage
from django.test import Client

from tests.factories.accounts import PASSWORD


def sign_in(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post("/account/login/", {"login": email, "password": password})


def confirm_password(client: Client) -> None:
    """Pass the confirmation page before changes to second factors."""
    client.post("/account/reauthenticate/", {"password": PASSWORD})


def link_in(mail: EmailMessage, *, under: str) -> str:
    """The path of the first link of the mail that begins with `under`."""
    lines = str(mail.body).splitlines()
    return next(
        line.removeprefix("http://testserver")
        for line in lines
        if line.startswith(f"http://testserver{under}")
    )


def totp(secret: str, *, at: float | None = None) -> str:
    """The six digits of RFC 6238 (SHA-1, 30 s) for a base32 secret."""
    counter = int((time.time() if at is None else at) // 30)
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", counter), "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def switch_on_totp(client: Client) -> str:
    """Add an authenticator app to the signed-in account, and return its secret."""
    confirm_password(client)
    page = client.get("/account/2fa/totp/activate/")
    secret: str = page.context["form"].secret
    # The clock stands still: a code computed at the end of its 30 s would be refused.
    with time_machine.travel(time.time(), tick=False):
        added = client.post("/account/2fa/totp/activate/", {"code": totp(secret)})
    assert added.status_code == 302
    return secret
