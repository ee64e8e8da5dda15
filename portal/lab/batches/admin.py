"""Files and batches in the Django admin: to read, and nothing of their contents."""

from __future__ import annotations

from django.contrib import admin

from portal.lab.batches.models import Batch, StoredFile
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    """Whose files are kept, and how large they are."""

    list_display = ["id", "user", "purpose", "size", "created_at"]
    search_fields = ["id", "user__email"]
    list_select_related = ["user"]


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """How far batches are."""

    list_display = ["id", "user", "status", "created_at"]
    list_filter = ["status"]
    search_fields = ["id", "user__email"]
    list_select_related = ["user"]
