"""Applications and grants in the Django admin, read-only; decisions are made in the console."""

from __future__ import annotations

from django.contrib import admin

from portal.gate.access.models import (
    Absence,
    AccountMerge,
    Application,
    Denial,
    Endorsement,
    Grant,
    Ruling,
    Step,
    SubmittedVersion,
)
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """Applications as they were submitted."""

    list_display = ["case_number", "applicant", "state", "submitted_at", "decided_at"]
    list_filter = ["state"]
    search_fields = ["case_number", "applicant__email", "applicant_name"]
    list_select_related = ["applicant"]


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """Everything that happened to an application or its grants."""

    list_display = ["application", "command", "actor", "at"]
    list_filter = ["command"]
    search_fields = ["application__case_number"]
    list_select_related = ["application", "actor"]
    ordering = ["-at"]


@admin.register(Endorsement)
class EndorsementAdmin(ReadOnlyAdmin):
    """First approvals that wait, or waited, for a second reviewer."""

    list_display = ["application", "reviewer", "ends_at", "at"]
    list_select_related = ["application", "reviewer"]


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    """Who may use which model, and until when."""

    list_display = ["user", "model", "capabilities", "state", "starts_at", "ends_at"]
    list_filter = ["state", "model"]
    search_fields = ["user__email", "application__case_number"]
    list_select_related = ["user", "model"]


@admin.register(Ruling)
class RulingAdmin(ReadOnlyAdmin):
    """What was decided, why, and whether it was taken back."""

    list_display = ["step", "reason_code", "made_at", "effective_at", "taken_back_at"]
    list_filter = ["reason_code"]
    list_select_related = ["step__application"]


@admin.register(SubmittedVersion)
class SubmittedVersionAdmin(ReadOnlyAdmin):
    """Answers as they were submitted."""

    list_display = ["application", "number", "submitted_at"]
    list_select_related = ["application"]


@admin.register(Denial)
class DenialAdmin(ReadOnlyAdmin):
    """The denylist, including lifted and expired entries."""

    list_display = ["kind", "value", "person", "made_at", "ends_at", "lifted_at"]
    list_filter = ["kind"]
    list_select_related = ["person"]


@admin.register(Absence)
class AbsenceAdmin(ReadOnlyAdmin):
    """Reviewers who are out of office."""

    list_display = ["reviewer", "until", "deputy"]
    list_select_related = ["reviewer", "deputy"]


@admin.register(AccountMerge)
class AccountMergeAdmin(ReadOnlyAdmin):
    """Accounts that were closed in favour of another of the same person."""

    list_display = ["kept", "merged", "by", "at"]
    list_select_related = ["kept", "merged", "by"]
