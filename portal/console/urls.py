from __future__ import annotations

from django.urls import URLPattern

from portal.console import audit_urls, operations_urls, review_urls

app_name = "console"
urlpatterns: list[URLPattern] = [
    *audit_urls.patterns,
    *operations_urls.patterns,
    *review_urls.patterns,
]
