from __future__ import annotations

from django.urls import path

from portal.keys.views import listing

app_name = "keys"
urlpatterns = [path("", listing.show_list, name="list")]
