"""The audit log in the Django admin: read-only, and each view of it is recorded in the log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from portal.platform.audit.domain.record import LOG_SUBJECT, record
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Newest first; `manage.py verify_audit` checks the chain."""

    list_display = ["id", "at", "tag", "subject", "actor"]
    list_filter = ["tag"]
    search_fields = ["subject", "actor__email"]
    list_select_related = ["actor"]
    ordering = ["-id"]
    date_hierarchy = "at"

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = super().changelist_view(request, *args, **kwargs)
        chosen = {
            name: str(value)
            for name, value in request.GET.items()
            if self.lookup_allowed(name, str(value), request)
        }
        # Not the search term: it may be an address, and events are kept forever.
        return _record_look(
            request, answer, page="list", filter=chosen, searched=bool(request.GET.get("q"))
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        answer = super().changeform_view(request, object_id, form_url, extra_context)
        return _record_look(request, answer, page="event", event=object_id)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer = super().history_view(request, object_id, extra_context)
        return _record_look(request, answer, page="history", event=object_id)


def _record_look(request: HttpRequest, answer: HttpResponse, **data: object) -> HttpResponse:
    """Record a view of the log; redirects and refusals show nothing."""
    if answer.status_code == 200 and isinstance(request.user, AbstractUser):
        with transaction.atomic():
            record(
                AuditTag.AUDIT_VIEWED,
                actor=request.user,
                subject=LOG_SUBJECT,
                data={"admin": True, **data},
            )
    return answer
