"""Jobs in the Django admin: to read, and without a word of what was written."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.lab.jobs.models import LARGE_FIELDS, Call, GenerationJob
from portal.platform.core.site_admin import ReadOnlyAdmin

PRIVATE = (*LARGE_FIELDS, "params")
"""What belongs to the researcher alone; `params` may quote a prompt in its stop sequences."""


@admin.register(GenerationJob)
class GenerationJobAdmin(ReadOnlyAdmin):
    """How runs went; prompts and outputs are private and are neither shown nor fetched."""

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
    """Requests to the API; what was asked for is the researcher's own."""

    exclude = ("request",)
    list_display = ["id", "user", "key", "endpoint", "created_at"]
    search_fields = ["id", "user__email"]
    list_select_related = ["user", "key"]
    date_hierarchy = "created_at"
