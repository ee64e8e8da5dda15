from __future__ import annotations

from django.urls import path

from portal.library.logbook.views import feed, files, pages

app_name = "logbook"
urlpatterns = [
    path("", pages.index, name="index"),
    path("<slug:run>/", pages.show_run, name="run"),
    path("<slug:run>/feed.atom", feed.feed, name="feed"),
    path("<slug:run>/curves.json", files.curves, name="curves"),
    path("<slug:run>/metrics.csv", files.metrics, name="metrics"),
    path("<slug:run>/metrics.parquet", files.metrics_parquet, name="metrics_parquet"),
    path("<slug:run>/entries.json", files.entries, {"ending": "json"}, name="entries_json"),
    path("<slug:run>/entries.csv", files.entries, {"ending": "csv"}, name="entries_csv"),
    path("<slug:run>/<slug:slug>/", pages.show_entry, name="entry"),
]
