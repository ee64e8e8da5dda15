from __future__ import annotations

from django.urls import path

from portal.platform.notices import views

app_name = "notices"
urlpatterns = [
    path("", views.show_list, name="list"),
    path("<int:pk>/", views.show_notice, name="notice"),
]
