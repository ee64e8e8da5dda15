"""Static files carry what Django's security middleware gives pages."""

from __future__ import annotations

from wsgiref.headers import Headers

from pytest_django import Settings

from portal.platform.core.static_headers import add_security_headers


def read_headers() -> dict[str, str]:
    headers = Headers([("Content-Type", "text/css")])
    add_security_headers(headers, "base.css", "/static/base.css")
    return dict(headers.items())


def test_a_site_without_https_does_not_ask_for_it() -> None:
    assert read_headers() == {
        "Content-Type": "text/css",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def test_a_site_with_https_asks_for_it(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True

    assert read_headers()["Strict-Transport-Security"] == "max-age=60; includeSubDomains; preload"
