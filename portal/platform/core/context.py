"""Context that every template has."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest

from portal.platform.core.unsent import Unsent, find_unsent

THEMES = ("auto", "light", "dark")


def site(request: HttpRequest) -> dict[str, object]:
    """`DEMO`, and the `theme` from the cookie, so that the first paint is right."""
    return {"DEMO": settings.DEMO, "theme": chosen_theme(request)}


def unsent(request: HttpRequest) -> dict[str, Callable[[], Unsent | None]]:
    """`unsent`: what the person sent from this page and the site did not accept."""
    return {"unsent": lambda: find_unsent(request)}


def chosen_theme(request: HttpRequest) -> str:
    """One of `THEMES`; `auto` if the cookie is missing or has another value."""
    theme = request.COOKIES.get("theme", "auto")
    return theme if theme in THEMES else "auto"
