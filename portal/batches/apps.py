from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "portal.batches"

    def ready(self) -> None:
        import_module("portal.batches.receivers")
