from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "portal.keys"

    def ready(self) -> None:
        import_module("portal.keys.receivers")
