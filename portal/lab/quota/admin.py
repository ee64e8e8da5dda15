"""Token reservations in the Django admin: to read."""

from __future__ import annotations

from django.contrib import admin

from portal.lab.quota.models import Reservation
from portal.platform.core.site_admin import ReadOnlyAdmin


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """What jobs may spend and what they spent."""

    list_display = ["job", "user", "reserved_tokens", "used_tokens", "made_at", "settled_at"]
    search_fields = ["user__email", "job"]
    list_select_related = ["user"]
    ordering = ["-made_at"]
