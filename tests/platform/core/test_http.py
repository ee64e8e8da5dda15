from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from portal.platform.core.http import client_ip, wants_json


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),  # no proxy is trusted: the header is the client's word
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),  # the client put the first one there
        (2, "10.9.9.9, 203.0.113.9, 198.51.100.2", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),  # shorter than the chain of proxies: not from them
        (1, "", "192.0.2.1"),
        (1, "unknown", "192.0.2.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_client_ip(settings: Settings, proxies: int, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")

    assert client_ip(request) == expected


def test_a_unix_socket_has_no_address(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 0

    assert client_ip(RequestFactory().get("/", REMOTE_ADDR="")) is None


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("application/json", True), ("text/html,application/json", False), ("", False)],
)
def test_wants_json(accept: str, *, expected: bool) -> None:
    assert wants_json(RequestFactory().get("/", headers={"Accept": accept})) is expected
