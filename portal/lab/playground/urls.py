from __future__ import annotations

from django.urls import path

from portal.lab.playground.views import code, editor, events, history, runs, tokens

app_name = "playground"
urlpatterns = [
    path("", editor.editor, name="editor"),
    path("runs/", editor.create, name="create"),
    path("history/", history.history, name="history"),
    path("history/export/", history.export, name="export"),
    path("events/", events.together, name="together"),
    path("code/", code.code, name="code"),
    path("tokens/", tokens.count, name="tokens"),
    path("runs/<uuid:job_id>/", editor.run, name="run"),
    path("runs/<uuid:job_id>/events/", events.single, name="events"),
    path("runs/<uuid:job_id>/stop/", runs.stop, name="stop"),
    path("runs/<uuid:job_id>/delete/", runs.delete, name="delete"),
]
