"""Security headers for responses with static files."""

from __future__ import annotations

from wsgiref.headers import Headers

from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware


class _SecureRequest(HttpRequest):
    def _get_scheme(self) -> str:
        return "https"


def add_security_headers(headers: Headers, path: str, url: str) -> None:  # noqa: ARG001 -- ServeStatic's signature
    """Add the headers of Django's security middleware, which static files do not pass.

    They are built once for all requests, as if these were secure: without HTTPS, the settings
    include no header that makes browsers insist on it.
    """
    bare = HttpResponse()
    kept = set(bare.headers)
    answer = SecurityMiddleware(lambda _: bare).process_response(_SecureRequest(), bare)
    for name, value in answer.items():
        if name not in kept:
            headers[name] = value
