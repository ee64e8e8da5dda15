from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class VouchingConfig(AppConfig):
    name = "portal.gate.vouching"

    def ready(self) -> None:
        import_module("portal.gate.vouching.domain.letters")
        import_module("portal.gate.vouching.receivers")
