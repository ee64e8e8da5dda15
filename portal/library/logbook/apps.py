from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class LogbookConfig(AppConfig):
    name = "portal.library.logbook"

    def ready(self) -> None:
        import_module("portal.library.logbook.receivers")
