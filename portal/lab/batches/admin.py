"""Files and batches in the Django admin: read-only, without their contents."""

from __future__ import annotations

from django.contrib import admin

from portal.lab.batches.models import Batch, StoredFile
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    """The stored files, with their owners and sizes."""

    list_display = ["id", "user", "purpose", "size", "created_at"]
    search_fields = ["id", "user__email"]
    list_select_related = ["user"]


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """The batches, with their owners and statuses."""

    list_display = ["id", "user", "status", "created_at"]
    list_filter = ["status"]
    search_fields = ["id", "user__email"]
    list_select_related = ["user"]
