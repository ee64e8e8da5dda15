"""Token reservations in the Django admin: to read."""

from __future__ import annotations

from django.contrib import admin

from portal.core.site_admin import ReadOnlyAdmin
from portal.usage.models import Reservation


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """What jobs may spend and what they spent."""

    list_display = ["job", "user", "reserved_tokens", "used_tokens", "made_at", "settled_at"]
    search_fields = ["user__email", "job"]
    list_select_related = ["user"]
    ordering = ["-made_at"]
