"""Jobs in the Django admin: read-only, without prompts and texts."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.lab.jobs.models import LARGE_FIELDS, Call, GenerationJob
from portal.platform.core.site_admin import ReadOnlyAdmin

PRIVATE = (*LARGE_FIELDS, "params")
"""Fields that only the researcher may read; `params` may quote a prompt in stop sequences."""


@admin.register(GenerationJob)
class GenerationJobAdmin(ReadOnlyAdmin):
    """Runs and how they ended; prompts and outputs are private, neither shown nor fetched."""

    exclude = PRIVATE
    list_display = ["id", "user", "model", "state", "failure_code", "created_at", "finished_at"]
    list_filter = ["state", "failure_code", "deployment", "origin"]
    search_fields = ["id", "user__email"]
    list_select_related = ["user", "model"]
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[GenerationJob]:
        return super().get_queryset(request).defer(*PRIVATE)


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """Requests to the API; their contents are private to the researcher."""

    exclude = ("request",)
    list_display = ["id", "user", "key", "endpoint", "created_at"]
    search_fields = ["id", "user__email"]
    list_select_related = ["user", "key"]
    date_hierarchy = "created_at"
