from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "portal.gate.teams"

    def ready(self) -> None:
        import_module("portal.gate.teams.domain.letters")
        import_module("portal.gate.teams.domain.insiders")
