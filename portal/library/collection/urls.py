from __future__ import annotations

from django.urls import path

from portal.library.collection.views import files, pages, search

REVISION = "<slug:release>/<str:slug>/<str:revision>"

app_name = "collection"
urlpatterns = [
    path("", pages.index, name="index"),
    path("search/", search.show_search, name="search"),
    path(f"files/{REVISION}/<path:path>", files.send_file, name="download"),
    path("<slug:release>/<str:slug>/", pages.show_newest, name="newest"),
    path(f"{REVISION}.bib", files.cite, {"ending": "bib"}, name="bibtex"),
    path(f"{REVISION}.cff", files.cite, {"ending": "cff"}, name="cff"),
    path(f"{REVISION}.croissant.json", files.show_croissant, name="croissant"),
    path(f"{REVISION}/", pages.show_revision, name="revision"),
    path(f"{REVISION}/<path:path>", pages.show_file, name="file"),
]
