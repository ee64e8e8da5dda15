from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "portal.platform.accounts"

    def ready(self) -> None:
        import_module("portal.platform.accounts.receivers")


class OperatorAdminConfig(admin_apps.AdminConfig):
    """Makes `OperatorAdminSite` the site that every app's admin registers with."""

    default = False
    default_site = "portal.platform.accounts.admin_site.OperatorAdminSite"
