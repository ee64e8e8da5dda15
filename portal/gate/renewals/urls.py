from __future__ import annotations

from django.urls import path

from portal.gate.renewals.views import closing, renewing

app_name = "renewals"
urlpatterns = [
    path("renew/", renewing.renew, name="renew"),
    path("renewals/<int:pk>/", renewing.show_renewal, name="renewal"),
    path("renewals/<int:pk>/withdraw/", renewing.withdraw, name="withdraw"),
    path("grants/<int:pk>/give-back/", closing.give_grant_back, name="give-back"),
    path("grants/<int:pk>/statement/", closing.state, name="statement"),
]
