from __future__ import annotations

from django.urls import path

from portal.platform.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("unsent/discard/", views.discard_unsent, name="discard-unsent"),
]
