"""The auditors' pages of the console, and those they share with reviewers."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.desk.console.views import audit, metrics

patterns: list[URLPattern] = [
    path("audit/", audit.show_log, name="audit"),
    path("audit/export/<slug:ending>/", audit.export_log, name="audit_export"),
    path("metrics/", metrics.show_metrics, name="metrics"),
    path("metrics/export/<slug:table>/", metrics.export_metrics, name="metrics_export"),
]
