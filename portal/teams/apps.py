from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "portal.teams"

    def ready(self) -> None:
        import_module("portal.teams.domain.letters")
        import_module("portal.teams.domain.insiders")
