"""Token reservations in the Django admin: read-only."""

from __future__ import annotations

from django.contrib import admin

from portal.lab.quota.models import Reservation
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """The tokens that jobs may spend and have spent."""

    list_display = ["job", "user", "reserved_tokens", "used_tokens", "made_at", "settled_at"]
    search_fields = ["user__email", "job"]
    list_select_related = ["user"]
    ordering = ["-made_at"]
