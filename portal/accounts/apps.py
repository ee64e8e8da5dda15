from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "portal.accounts"


class OperatorAdminConfig(admin_apps.AdminConfig):
    """Makes `OperatorAdminSite` the site that every app's admin registers with."""

    default = False
    default_site = "portal.accounts.admin_site.OperatorAdminSite"
