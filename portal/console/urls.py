from __future__ import annotations

from django.urls import URLPattern

from portal.console import operations_urls, review_urls

app_name = "console"
urlpatterns: list[URLPattern] = [
    *operations_urls.patterns,
    *review_urls.patterns,
]
