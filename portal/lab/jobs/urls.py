from __future__ import annotations

from django.urls import path

from portal.lab.jobs.views import usage

app_name = "usage"
urlpatterns = [
    path("", usage.show_usage, name="show"),
    path("usage.csv", usage.export, name="export"),
]
