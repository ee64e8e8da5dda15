from __future__ import annotations

from django.urls import path

from portal.desk.privacy import views

app_name = "privacy"
urlpatterns = [
    path("everything/", views.download_everything, name="everything"),
    path("erase/", views.erase, name="erase"),
    path("erase/take-back/", views.take_back, name="take-back"),
]
