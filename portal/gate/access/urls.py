from __future__ import annotations

from django.urls import path

from portal.gate.access.views import application, apply, denial, status

app_name = "access"
urlpatterns = [
    path("", status.show_status, name="status"),
    path("apply/", apply.edit_application, name="apply"),
    path("apply/save/", apply.save_application, name="save"),
    path("apply/submit/", apply.submit, name="submit"),
    path("applications/<str:case_number>/", application.show_application, name="application"),
    path("applications/<str:case_number>/withdraw/", application.withdraw, name="withdraw"),
    path("applications/<str:case_number>/appeal/", application.appeal, name="appeal"),
    path("denial/", denial.show_denial, name="denial"),
]
