"""The operators' part of the console."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.console.views import operations

patterns: list[URLPattern] = [
    path("operations/", operations.operations, name="operations"),
]
