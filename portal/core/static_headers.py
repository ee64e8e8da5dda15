"""What answers with static files say beside their own headers."""

from __future__ import annotations

from wsgiref.headers import Headers

from django.conf import settings


def add_security_headers(headers: Headers, path: str, url: str) -> None:  # noqa: ARG001 -- ServeStatic's signature
    """As Django's security middleware does for pages, which static files do not pass."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = settings.SECURE_REFERRER_POLICY
