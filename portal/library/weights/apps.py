from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class WeightsConfig(AppConfig):
    name = "portal.library.weights"

    def ready(self) -> None:
        import_module("portal.library.weights.receivers")
