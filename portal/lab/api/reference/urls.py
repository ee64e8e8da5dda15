from __future__ import annotations

from django.urls import path

from portal.lab.api.reference import views

app_name = "reference"
urlpatterns = [
    path("", views.guide, name="api"),
    path("<slug:slug>/", views.group, name="group"),
]
