from __future__ import annotations

from django.urls import path

from portal.gate.keys.views import changes, device, listing

app_name = "keys"
urlpatterns = [
    path("", listing.show_list, name="list"),
    path("new/", changes.create, name="new"),
    path("device/", device.answer_login, name="device"),
    path("<int:pk>/rotate/", changes.rotate, name="rotate"),
    path("<int:pk>/revoke/", changes.revoke, name="revoke"),
]
