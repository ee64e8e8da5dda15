from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class NotebookConfig(AppConfig):
    name = "portal.lab.notebook"

    def ready(self) -> None:
        import_module("portal.lab.notebook.receivers")
