from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "portal.gate.keys"

    def ready(self) -> None:
        import_module("portal.gate.keys.receivers")
