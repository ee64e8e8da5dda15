from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "portal.gate.access"

    def ready(self) -> None:
        import_module("portal.gate.access.domain.process.notices")
        import_module("portal.gate.access.domain.reconsent.letters")
