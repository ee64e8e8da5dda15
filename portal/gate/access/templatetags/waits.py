"""The waits of applicants, for pages of capabilities below this one."""

from __future__ import annotations

from django import template
from django.utils import timezone

from portal.gate.access.domain.numbers.waits import Waits, measure_waits

register = template.Library()


@register.inclusion_tag("gate/access/waits.html")
def show_waits() -> dict[str, Waits | None]:
    """The same sentence as on an applicant's own page; nothing before the first answer."""
    return {"waits": measure_waits(at=timezone.now())}
