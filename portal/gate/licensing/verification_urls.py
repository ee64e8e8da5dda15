"""The public pages on which anybody may check a signed agreement."""

from __future__ import annotations

from django.urls import path

from portal.gate.licensing import verification_views

app_name = "verification"
urlpatterns = [
    path("", verification_views.ask, name="ask"),
    path("<str:code>/", verification_views.show_signature, name="signature"),
]
