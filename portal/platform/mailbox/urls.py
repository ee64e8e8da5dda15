from __future__ import annotations

from django.urls import path

from portal.platform.mailbox import views

app_name = "mailbox"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("<int:pk>/", views.mail, name="mail"),
]
