from __future__ import annotations

from django.urls import path

from portal.lab.sharing.views import links, records, shared

app_name = "sharing"
urlpatterns = [
    path("playground/shared/", links.show_list, name="list"),
    path("playground/shared/<uuid:link_id>/revoke/", links.revoke, name="revoke"),
    path("playground/runs/<uuid:job_id>/share/", links.share, name="share"),
    path("playground/runs/<uuid:job_id>/receipt.json", records.receipt, name="receipt"),
    path("shared-runs/<str:token>/", shared.read, name="read"),
    path("shared-runs/<str:token>/copy/", shared.copy, name="copy"),
]
