"""Addresses that webhooks must not call."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import Settings

from portal.gate.webhooks.domain.addresses import Target, resolve_target
from portal.platform.core.errors import DomainError


def refusal(url: str) -> str:
    with pytest.raises(DomainError) as caught:
        resolve_target(url)
    assert caught.value.field == "url"
    return caught.value.code


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The resolver's answers; tests have no network."""
    known: dict[str, list[str]] = {"public.example": ["93.184.215.14"]}

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        addresses = known.get(
            host, [host] if host.replace(".", "").isdigit() or ":" in host else []
        )
        if not addresses:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fc00::1",
        "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "2001:0:7f00:1::1", "fec0::1",
        "2001:db8::1", "3fff::1", "2001:20::1", "5f00::1", "100::1", "4000::1", "::", "ff0e::1",
        "192.0.0.9", "192.88.99.1", "198.18.0.1", "203.0.113.1", "240.0.0.1", "239.1.1.1",
    ],
)  # fmt: skip
def test_no_address_inside_is_reached(
    settings: Settings, names: dict[str, list[str]], address: str
) -> None:
    settings.WEBHOOK_NETWORKS = ()
    names["inside.example"] = [address]
    names["both.example"] = ["93.184.215.14", address]
    found = [refusal(f"https://{host}/") for host in ("inside.example", "both.example")]
    assert found == ["private_address", "private_address"]


@pytest.mark.parametrize(
    ("address", "called"),
    [
        ("2606:4700::1111", "2606:4700::1111"),
        ("2a00:1450::1", "2a00:1450::1"),
        ("::ffff:93.184.215.14", "93.184.215.14"),
    ],
)
def test_a_global_unicast_address_is_reached(
    settings: Settings, names: dict[str, list[str]], address: str, called: str
) -> None:
    settings.WEBHOOK_NETWORKS = ()
    names["public.example"] = [address]
    assert resolve_target("https://public.example/").address == called


def test_a_public_address_is_pinned(settings: Settings, names: dict[str, list[str]]) -> None:
    settings.WEBHOOK_NETWORKS = ()
    assert resolve_target("https://public.example:8443/a/b?c=d#e") == Target(
        "93.184.215.14", "public.example", 8443, "/a/b?c=d", is_https=True
    )


def test_a_name_in_other_letters_is_looked_up_and_told_as_punycode(
    settings: Settings, names: dict[str, list[str]]
) -> None:
    settings.WEBHOOK_NETWORKS = ()
    names["xn--exmple-4nf.com"] = ["93.184.215.14"]
    assert resolve_target("https://ex\u0430mple.com/").host == "xn--exmple-4nf.com"


def test_http_goes_only_where_debug_or_a_network_of_ones_own_allows(
    settings: Settings, names: dict[str, list[str]]
) -> None:
    settings.WEBHOOK_NETWORKS = (ip_network("10.0.0.0/8"),)
    assert refusal("http://public.example/") == "https_only"
    assert resolve_target("http://10.1.2.3/").address == "10.1.2.3"
    settings.DEBUG = True
    assert resolve_target("http://public.example/").is_https is False


@pytest.mark.parametrize(
    "url",
    [
        "ftp://public.example/", "https://", "https://a:b@public.example/", "https://[::1", "x",
        "https://public.example:0/", "https://public.example:65536/",
        "https://public.example:\u0664\u0664\u0663/", "https://-\u0430.example/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(names: dict[str, list[str]], url: str) -> None:
    assert refusal(url) == "invalid_url"


def test_an_unknown_name_is_refused(names: dict[str, list[str]]) -> None:
    assert refusal("https://nowhere.example/") == "unknown_host"
