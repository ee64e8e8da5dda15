from __future__ import annotations

from django.apps import AppConfig


class RenewalsConfig(AppConfig):
    name = "portal.gate.renewals"
