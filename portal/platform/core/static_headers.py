"""What answers with static files say beside their own headers."""

from __future__ import annotations

from wsgiref.headers import Headers

from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware


class _SecureRequest(HttpRequest):
    def _get_scheme(self) -> str:
        return "https"


def add_security_headers(headers: Headers, path: str, url: str) -> None:  # noqa: ARG001 -- ServeStatic's signature
    """Those that Django's security middleware adds to pages; static files do not pass it.

    They are made once for all requests, so as for secure ones: without HTTPS, the settings name no
    header that tells browsers to insist on it.
    """
    bare = HttpResponse()
    kept = set(bare.headers)
    answer = SecurityMiddleware(lambda _: bare).process_response(_SecureRequest(), bare)
    for name, value in answer.items():
        if name not in kept:
            headers[name] = value
