"""The auditors' part of the console."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.console.views import audit

patterns: list[URLPattern] = [
    path("audit/", audit.show_log, name="audit"),
    path("audit/export/<slug:ending>/", audit.export_log, name="audit_export"),
]
