from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CollectionConfig(AppConfig):
    name = "portal.library.collection"

    def ready(self) -> None:
        import_module("portal.library.collection.receivers")
