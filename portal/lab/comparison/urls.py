from __future__ import annotations

from django.urls import path

from portal.lab.comparison.views import ladder, runs

app_name = "comparison"
urlpatterns = [
    path("compare/", runs.runs, name="runs"),
    path("compare/new/", runs.create, name="create"),
    path("compare/stop/", runs.stop, name="stop"),
    path("ladder/", ladder.ladder, name="ladder"),
    path("ladder/new/", ladder.create, name="create_ladder"),
]
