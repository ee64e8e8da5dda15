from __future__ import annotations

from django.apps import AppConfig


class CompletionsConfig(AppConfig):
    name = "portal.lab.completions"
