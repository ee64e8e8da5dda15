from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "portal.lab.jobs"

    def ready(self) -> None:
        import_module("portal.lab.jobs.receivers")
