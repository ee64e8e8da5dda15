"""The operators' part of the console."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.console.views import capacity, operations

patterns: list[URLPattern] = [
    path("capacity/", capacity.capacity, name="capacity"),
    path("operations/", operations.operations, name="operations"),
]
