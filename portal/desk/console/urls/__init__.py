"""All URLs of the console."""

from __future__ import annotations

from django.urls import URLPattern

from portal.desk.console.urls import audit, operations, review

app_name = "console"
urlpatterns: list[URLPattern] = [
    *audit.patterns,
    *operations.patterns,
    *review.patterns,
]
