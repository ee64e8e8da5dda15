from __future__ import annotations

from django.urls import path

from portal.lab.playground.views import (
    chat,
    code,
    editor,
    events,
    history,
    imports,
    look,
    notes,
    presets,
    runs,
    tokens,
)

app_name = "playground"
urlpatterns = [
    path("", editor.editor, name="editor"),
    path("runs/", editor.create, name="create"),
    path("history/", history.history, name="history"),
    path("history/export/", history.export, name="export"),
    path("events/", events.together, name="together"),
    path("code/", code.code, name="code"),
    path("tokens/", tokens.count, name="tokens"),
    path("chat/", chat.chat, name="chat"),
    path("chat/preview/", chat.preview, name="preview_chat"),
    path("chat/runs/", chat.create, name="create_chat"),
    path("presets/", presets.presets, name="presets"),
    path("presets/save/", presets.save, name="save_preset"),
    path("presets/<int:pk>/delete/", presets.delete, name="delete_preset"),
    path("presets/<int:pk>/share/", presets.share, name="share_preset"),
    path("presets/<int:pk>/withdraw/", presets.withdraw, name="withdraw_preset"),
    path("runs/<uuid:job_id>/", editor.run, name="run"),
    path("runs/<uuid:job_id>/events/", events.single, name="events"),
    path("runs/<uuid:job_id>/stop/", runs.stop, name="stop"),
    path("runs/<uuid:job_id>/delete/", runs.delete, name="delete"),
    path("runs/<uuid:job_id>/distribution/", look.look, name="look"),
    path("runs/<uuid:job_id>/distribution/<uuid:look_id>/", look.looked, name="looked"),
    path("runs/<uuid:job_id>/notes/", notes.notes, name="notes"),
    path("runs/<uuid:job_id>/prune/", notes.prune_run, name="prune"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<uuid:node_id>/delete/", imports.delete, name="delete-import"),
    path("projects/", notes.projects, name="projects"),
    path("projects/<int:pk>/delete/", notes.delete, name="delete-project"),
]
