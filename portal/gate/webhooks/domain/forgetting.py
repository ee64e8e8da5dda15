"""How long the log of deliveries is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from portal.gate.webhooks.enums import UNDONE
from portal.gate.webhooks.models import Delivery, Event

KEPT: Final = timedelta(days=90)


def forget_old() -> int:
    """Delete deliveries that ended more than 90 days ago; return the number deleted."""
    before = timezone.now() - KEPT
    done = Delivery.objects.filter(due_at__lt=before).exclude(state__in=UNDONE)
    count = done.delete()[0]
    Event.objects.filter(fanned_out_at__lt=before, deliveries=None).delete()
    return count
