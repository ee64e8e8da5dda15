"""The reviewers' part of the console."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.console.views import grants, queue, reviews

patterns: list[URLPattern] = [
    path("", queue.show_queue, name="queue"),
    path("applications/<str:case_number>/", reviews.show_application, name="application"),
    path("applications/<str:case_number>/<str:command>/", reviews.decide, name="decide"),
    path("grants/", grants.list_grants, name="grants"),
    path("grants/<int:pk>/<str:command>/", grants.change_grant, name="grant"),
]
