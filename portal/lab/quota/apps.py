from __future__ import annotations

from django.apps import AppConfig


class QuotaConfig(AppConfig):
    name = "portal.lab.quota"
    label = "usage"
