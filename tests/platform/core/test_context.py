"""The theme is in the first byte of the page, so nothing flashes."""

from __future__ import annotations

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def html_tag(client: Client) -> str:
    (tag,) = re.findall(r"<html[^>]*>", client.get("/account/login/").content.decode())
    return str(tag)


@pytest.mark.parametrize(
    ("cookie", "tag"),
    [
        ("dark", '<html lang="en-GB" data-theme="dark">'),
        ("light", '<html lang="en-GB" data-theme="light">'),
        ("auto", '<html lang="en-GB">'),
        ('"><script>', '<html lang="en-GB">'),
    ],
)
def test_theme_follows_the_cookie(client: Client, cookie: str, tag: str) -> None:
    client.cookies["theme"] = cookie

    assert html_tag(client) == tag


def test_without_a_cookie_the_system_decides(client: Client) -> None:
    assert html_tag(client) == '<html lang="en-GB">'
