from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "portal.lab.batches"

    def ready(self) -> None:
        import_module("portal.lab.batches.receivers")
