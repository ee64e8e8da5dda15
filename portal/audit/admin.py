"""The audit log in the Django admin: to read."""

from __future__ import annotations

from django.contrib import admin

from portal.audit.models import AuditEvent
from portal.core.read_only_admin import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Newest first; `manage.py verify_audit` checks that the chain is whole."""

    list_display = ["id", "at", "tag", "subject", "actor"]
    list_filter = ["tag"]
    search_fields = ["subject", "actor__email"]
    list_select_related = ["actor"]
    ordering = ["-id"]
    date_hierarchy = "at"
