from __future__ import annotations

from django.apps import AppConfig


class DecisionApiConfig(AppConfig):
    name = "portal.gate.decision_api"
    label = "decisions"
