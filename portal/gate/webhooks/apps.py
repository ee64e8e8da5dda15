from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "portal.gate.webhooks"

    def ready(self) -> None:
        import_module("portal.gate.webhooks.receivers")
