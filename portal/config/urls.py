"""Every URL of the site, one include per capability."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from portal.lab.api.api import api
from portal.platform.core import health

urlpatterns = [
    path("", include("portal.gate.catalog.urls")),
    path("account/", include("portal.platform.accounts.urls")),
    path("account/", include("portal.desk.privacy.urls")),
    path("account/keys/", include("portal.gate.keys.urls")),
    path("account/usage/", include("portal.lab.jobs.urls")),
    path("account/", include("allauth.urls")),
    path("licence/", include("portal.gate.licensing.urls")),
    path("verify/", include("portal.gate.licensing.verification_urls")),
    path("notices/", include("portal.platform.notices.urls")),
    path("access/", include("portal.gate.access.urls")),
    path("", include("portal.gate.vouching.urls")),
    path("", include("portal.gate.teams.urls")),
    path("access/", include("portal.gate.renewals.urls")),
    path("library/", include("portal.library.collection.urls")),
    path("logbook/", include("portal.library.logbook.urls")),
    path("playground/", include("portal.lab.playground.urls")),
    path("playground/", include("portal.lab.comparison.urls")),
    path("", include("portal.lab.sharing.urls")),
    path("weights/", include("portal.library.weights.urls")),
    path("hub/", include("portal.library.weights.hub_urls")),
    path("console/", include("portal.desk.console.urls")),
    path("admin/", admin.site.urls),
    path("", include("portal.desk.observability.urls")),
    path("v1/", api.urls),
    path("docs/api/", include("portal.lab.api.reference.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
if settings.DEMO:
    urlpatterns.append(path("demo/mail/", include("portal.platform.mailbox.urls")))

handler400 = "portal.platform.core.views.bad_request"
handler403 = "portal.platform.core.views.forbidden"
handler404 = "portal.platform.core.views.not_found"
handler429 = "portal.platform.core.views.too_many_requests"
handler500 = "portal.platform.core.views.server_error"
