"""API keys in the Django admin, read-only and without their hash."""

from __future__ import annotations

from django.contrib import admin

from portal.gate.keys.models import ApiKey
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys, with their owner, scopes and last use."""

    exclude = ("digest",)
    list_display = ["lookup", "user", "name", "scopes", "last_used_at", "expires_at", "revoked_at"]
    search_fields = ["lookup", "user__email"]
    list_select_related = ["user"]
