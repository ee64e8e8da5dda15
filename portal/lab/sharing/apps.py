from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "portal.lab.sharing"

    def ready(self) -> None:
        import_module("portal.lab.sharing.receivers")
