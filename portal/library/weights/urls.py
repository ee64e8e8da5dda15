from __future__ import annotations

from django.urls import path

from portal.library.weights.views import links, pages

app_name = "weights"
urlpatterns = [
    path("", pages.list_repositories, name="list"),
    path("<str:slug>/", pages.show_repository, name="repository"),
    path("<str:slug>/<str:revision>/", pages.show_repository, name="revision"),
    path("<str:slug>/<str:revision>/SHA256SUMS", pages.write_sums, name="sums"),
    path("<str:slug>/<str:revision>/links/make/", links.make, name="make-links"),
    path("<str:slug>/<str:revision>/links/<uuid:links>/end/", links.end, name="end-links"),
]
