"""What every template may use."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

THEMES = ("auto", "light", "dark")


def site(request: HttpRequest) -> dict[str, object]:
    """`DEMO`, and the `theme` chosen by cookie so that the first paint is right."""
    return {"DEMO": settings.DEMO, "theme": chosen_theme(request)}


def chosen_theme(request: HttpRequest) -> str:
    """One of `THEMES`; `auto` where the cookie is missing or says something else."""
    theme = request.COOKIES.get("theme", "auto")
    return theme if theme in THEMES else "auto"
