"""Renewals and statements in the Django admin, read-only. Decisions are made in the console."""

from __future__ import annotations

from django.contrib import admin

from portal.gate.renewals.models import Renewal, RenewalStep, Report, Statement
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(Renewal)
class RenewalAdmin(ReadOnlyAdmin):
    """Renewals, with their holder and the approved end."""

    list_display = ["id", "holder", "state", "submitted_at", "ends_at"]
    list_filter = ["state"]
    search_fields = ["holder__email"]
    list_select_related = ["holder"]


@admin.register(RenewalStep)
class RenewalStepAdmin(ReadOnlyAdmin):
    """Everything that happened to a renewal."""

    list_display = ["renewal", "command", "actor", "at"]
    list_filter = ["command"]
    list_select_related = ["renewal", "actor"]
    ordering = ["-at"]


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """The reports of holders."""

    list_display = ["renewal", "number", "is_noncommercial", "handed_in_at"]
    list_select_related = ["renewal"]


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    """Statements that weights were destroyed."""

    list_display = ["grant", "legal_name", "destroyed_on", "made_at"]
    list_select_related = ["grant__user", "grant__model"]
