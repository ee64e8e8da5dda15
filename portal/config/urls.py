"""Every URL of the site, one include per capability."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from portal.api.api import api
from portal.core import health

urlpatterns = [
    path("", include("portal.catalog.urls")),
    path("account/", include("portal.accounts.urls")),
    path("account/", include("portal.privacy.urls")),
    path("account/keys/", include("portal.keys.urls")),
    path("account/usage/", include("portal.jobs.urls")),
    path("account/", include("allauth.urls")),
    path("licence/", include("portal.licensing.urls")),
    path("verify/", include("portal.licensing.verification_urls")),
    path("notices/", include("portal.notices.urls")),
    path("access/", include("portal.access.urls")),
    path("access/", include("portal.renewals.urls")),
    path("playground/", include("portal.playground.urls")),
    path("console/", include("portal.console.urls")),
    path("admin/", admin.site.urls),
    path("", include("portal.observability.urls")),
    path("v1/", api.urls),
    path("docs/api/", include("portal.api.reference.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
if settings.DEMO:
    urlpatterns.append(path("demo/mail/", include("portal.mailbox.urls")))

handler400 = "portal.core.views.bad_request"
handler403 = "portal.core.views.forbidden"
handler404 = "portal.core.views.not_found"
handler429 = "portal.core.views.too_many_requests"
handler500 = "portal.core.views.server_error"
