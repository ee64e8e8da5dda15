from __future__ import annotations

from django.urls import path

from portal.gate.teams.views import join, own

app_name = "teams"
urlpatterns = [
    path("access/applications/<str:case_number>/team/", own.show_team, name="own"),
    path("access/applications/<str:case_number>/team/class/", own.set_class, name="class"),
    path("access/team/<int:pk>/remove/", own.remove, name="remove"),
    path("access/team/<int:pk>/resend/", own.resend, name="resend"),
    path("access/team/<int:pk>/leave/", own.leave, name="leave"),
    path("join/<int:pk>/<str:token>/", join.join, name="join"),
    path("join/<int:pk>/<str:token>/decline/", join.decline, name="decline"),
]
